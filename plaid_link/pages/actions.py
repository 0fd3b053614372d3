"""What a connection's card can do: refresh it, or let it go. The work is a task; the row says what was asked."""

from datetime import timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from plaid_link import tasks
from plaid_link.models import Item, SyncRun
from portfolio_site.lib.queues import send_on_commit

COOL_DOWN = timedelta(minutes=1)


@login_required
@require_POST
def refresh(request: HttpRequest, pk: int) -> HttpResponse:
    """Have the item synced now. A sync that has just been is not repeated: Plaid counts calls."""
    now = timezone.now()
    item = get_object_or_404(Item.objects.for_user(request.user).connected().select_related("institution"), pk=pk)
    if item.last_synced_at and item.last_synced_at > now - COOL_DOWN:
        messages.info(request, f"{item.institution} was refreshed less than a minute ago.")
        return redirect("connections")
    # Due at once, so that the sweep finds it should the queue lose it.
    Item.objects.filter(pk=item.pk).update(next_try_at=now)
    send_on_commit(tasks.sync_item, item.pk, SyncRun.Trigger.USER)
    messages.success(request, f"Refreshing {item.institution}. New figures appear by themselves.")
    return redirect("connections")


@login_required
@require_POST
def disconnect(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop reading from the institution; `data=erase` deletes what came from it, else it stays as last known."""
    item = get_object_or_404(Item.objects.for_user(request.user).connected().select_related("institution"), pk=pk)
    erase = request.POST.get("data") == "erase"
    Item.objects.filter(pk=item.pk).update(status=Item.Status.DISCONNECTED, next_try_at=None)
    send_on_commit(tasks.remove_item, item.pk, erase)
    kept = "Its data is being erased." if erase else "Its history stays as it was last known."
    messages.success(request, f"{item.institution} is disconnected. {kept}")
    return redirect("connections")
