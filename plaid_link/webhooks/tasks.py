"""The task behind the webhooks. It takes no argument: the rows say what there is to do."""

from celery import shared_task

from plaid_link.webhooks import handle

# A worker is not kept from other work for longer than about this, nor than one item's sync.
TURN_SECONDS = 60.0


@shared_task(name="plaid_link.handle_waiting_webhooks", expires=10)
def handle_waiting_webhooks() -> int:
    """Handle the webhooks that wait. Woken by each that comes in, and by the sweep in case a wake-up was lost."""
    return handle.handle_waiting(seconds=TURN_SECONDS)
