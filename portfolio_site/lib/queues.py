"""Handing work to Celery from inside a transaction, and how much of it waits."""

from typing import Any

from celery import Task, current_app
from django.db import transaction

QUEUES = ("high", "default", "low")


def send_on_commit(task: "Task[Any, Any]", *args: Any) -> None:
    """Queue the task when the transaction commits.

    A broker that is down is logged and nothing more: what is to be done is a row by then, and a sweep finds it.
    """

    def send() -> None:
        task.apply_async(args=args, retry=False)

    transaction.on_commit(send, robust=True)


def depths() -> dict[str, int]:
    """Messages that no worker has taken yet, by queue, of whatever broker there is. Raises what its client raises."""
    with current_app.connection_for_read() as broker:
        return {name: _depth(broker, name) for name in QUEUES}


def _depth(broker: Any, queue: str) -> int:
    """A queue that nobody has used yet is unknown to the broker, which then closes the channel."""
    channel = broker.channel()
    try:
        return int(channel.queue_declare(queue=queue, passive=True).message_count)
    except broker.channel_errors:
        return 0
    finally:
        channel.close()
