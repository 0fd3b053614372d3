"""`/`: what everything is worth, how it got there, and what it is made of."""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from history.models import AccountHistory
from history.pages.accounts import account_lines
from history.pages.allocation import DEFAULT_DIMENSION, allocation_panel
from history.pages.chart import DEFAULT_PERIOD, HistoryPanel, history_panel
from history.pages.issues import issues
from history.pages.movers import movers
from history.progress import overall_progress, reconstruction_progress
from history.valuation import AccountWorth, Worth, account_worths, market_today, total_worth
from investments.pages.scope import Scope, scope_of
from portfolio_site.lib.sessions import last_closed_session

PARTS = {"history": "history/parts/_history.html", "allocation": "history/parts/_allocation.html"}
Context = dict[str, Any]


@login_required
def overview(request: HttpRequest) -> HttpResponse:
    """The page, or the one panel that a range or dimension button asks for."""
    scope, currency = scope_of(request), request.user.base_currency
    worths = account_worths(account_ids=scope.account_ids, base_currency=currency)
    worth = total_worth(worths, base_currency=currency)
    context = {"value": _value(worth)}
    part = getattr(request, "htmx", None) and request.htmx.target
    if part in PARTS:
        return render(request, PARTS[part], context | PANELS[part](request, scope, worths, worth))
    if worths:
        context |= _page(request, scope, worths, worth)
    return render(request, "history/overview.html", context | {"connect_url": reverse("onboarding_connect")})


def _page(request: HttpRequest, scope: Scope, worths: Sequence[AccountWorth], worth: Worth) -> Context:
    panels = [panel(request, scope, worths, worth) for panel in PANELS.values()]
    return {
        **panels[0],
        **panels[1],
        "movers": movers(worths=worths, total_value=worth.value),
        "issues": issues(account_ids=scope.account_ids, worth=worth),
    }


def _history(request: HttpRequest, scope: Scope, worths: Sequence[AccountWorth], worth: Worth) -> Context:
    panel = history_panel(
        account_ids=scope.account_ids,
        period=request.GET.get("period", DEFAULT_PERIOD),
        currency=worth.currency,
        today=market_today(),
    )
    return {"history": panel, "cash_weight": _weight(worth), "building": _building(request, scope, panel)}


def _building(request: HttpRequest, scope: Scope, panel: HistoryPanel) -> Context | None:
    """How far reconstruction is, while there is any to do."""
    progress = reconstruction_progress(user_id=request.user.pk, account_ids=scope.account_ids)
    waiting = [account for account in progress if account.behind and account.state != AccountHistory.State.FAILED]
    return {"accounts": len(waiting), "fraction": overall_progress(progress)} if waiting else None


def _allocation(request: HttpRequest, scope: Scope, worths: Sequence[AccountWorth], worth: Worth) -> Context:
    lines = account_lines(scope=scope, worths=worths, total_value=worth.value)
    panel = allocation_panel(
        by=request.GET.get("by", DEFAULT_DIMENSION),
        worths=worths,
        accounts=lines,
        total_value=worth.value,
        currency=worth.currency,
    )
    return {"accounts": lines, "allocation": panel}


PANELS = {"history": _history, "allocation": _allocation}


def _weight(worth: Worth) -> float | None:
    return float(worth.cash / worth.value) if worth.value > 0 else None


def _value(worth: Worth) -> Context:
    session = last_closed_session(timezone.now())
    return {
        "total": worth.value,
        "cash": worth.cash,
        "currency": worth.currency,
        "day_change": worth.day_change,
        "day_fraction": worth.day_change_fraction,
        "as_of": worth.as_of,
        "end": market_today(),
        "is_today": worth.as_of == market_today(),
        "stale_since": worth.as_of if worth.as_of and worth.as_of < session else None,
    }
