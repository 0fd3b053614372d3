"""What a connection's card can do: refresh it, or let it go. The work is a task; the row says what was asked."""

import math
from datetime import datetime

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from investments.models import Account
from plaid_link import limits, link, tasks
from plaid_link.models import COOL_DOWN, Item, SyncRun, UnplacedAccount
from portfolio_site.lib.queues import send_on_commit


@login_required
@require_POST
def refresh(request: HttpRequest, pk: int) -> HttpResponse:
    """Have the item synced now. A sync that has just been is not repeated: Plaid counts calls."""
    now = timezone.now()
    item = get_object_or_404(Item.objects.for_user(request.user).connected().select_related("institution"), pk=pk)
    if wait := _cool_down(item, now):
        told = f"{item.institution} was refreshed less than a minute ago. Try again in {wait} seconds."
        messages.info(request, told)
        answer = redirect("connections")
        answer["Retry-After"] = str(wait)
        return answer
    # Due at once, so that the sweep finds it should the queue lose it.
    Item.objects.filter(pk=item.pk).update(next_try_at=now)
    send_on_commit(tasks.sync_item, item.pk, SyncRun.Trigger.USER, now.isoformat())
    messages.success(request, f"Refreshing {item.institution}. New figures appear by themselves.")
    return redirect("connections")


def _cool_down(item: Item, now: datetime) -> int:
    """The seconds until the item may be refreshed again; 0 now. Two clicks at once count as one."""
    allowed_at = item.refresh_allowed_at(now)
    if allowed_at is not None:
        return math.ceil((allowed_at - now).total_seconds())
    works = item.status == Item.Status.OK
    return 0 if not works or limits.may_refresh(item.item_id) else int(COOL_DOWN.total_seconds())


@login_required
@require_POST
def place(request: HttpRequest, pk: int) -> HttpResponse:
    """The user's answer to which account it is: `same_as` names one that was offered, or is `new`."""
    waiting = UnplacedAccount.objects.for_user(request.user).waiting().select_for_update()
    unplaced = get_object_or_404(waiting, pk=pk)
    chosen = request.POST.get("same_as", "")
    same_as = Account.objects.for_user(request.user).filter(pk=int(chosen)).first() if chosen.isdecimal() else None
    try:
        if same_as is None and chosen != "new":
            raise link.NotACandidate
        link.place_account(unplaced=unplaced, same_as=same_as)
    except link.NotACandidate as error:
        messages.error(request, f"{error}.")
        return redirect("connections")
    told = f"{unplaced} goes on as {same_as}." if same_as else f"{unplaced} is a new account."
    messages.success(request, f"{told} Reading it now.")
    return redirect("connections")


@login_required
@require_POST
def disconnect(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop reading from the institution; `data=erase` deletes what came from it, else it stays as last known."""
    item = get_object_or_404(Item.objects.for_user(request.user).connected().select_related("institution"), pk=pk)
    erase = request.POST.get("data") == "erase"
    link.disconnect(item=item, erase=erase)
    send_on_commit(tasks.remove_item, item.pk)
    kept = "Its data is being erased." if erase else "Its history stays as it was last known."
    messages.success(request, f"{item.institution} is disconnected. {kept}")
    return redirect("connections")
