"""`/`: what everything is worth, how it got there, and what it is made of."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from history.allocation import pieces
from history.pages.accounts import account_lines
from history.pages.allocation import DEFAULT_DIMENSION, AllocationPanel, allocation_panel
from history.pages.chart import DEFAULT_PERIOD, HistoryPanel, beside_benchmark, history_panel
from history.pages.income_panel import IncomePanel, income_panel
from history.pages.issues import Issues, issues
from history.pages.movers import Mover, movers
from history.valuation import Worth, account_worths, market_today, total_worth
from history.watched import watch
from investments.pages.panels import Content, Panel, read_panel
from investments.pages.remembered import remembers
from investments.pages.scope import scope_of
from portfolio_site.lib.sessions import last_closed_session

PARTS = {"history": "history/parts/_history.html", "allocation": "history/parts/_allocation.html"}
Context = dict[str, Any]


class Overview:
    """The panels of one request. Each is read alone, so that one can fail and the others stand."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.scope = scope_of(request)
        self.currency: str = request.user.base_currency
        self.worths = account_worths(account_ids=self.scope.account_ids, base_currency=self.currency)
        self.worth = total_worth(self.worths, base_currency=self.currency)
        self.lines = account_lines(scope=self.scope, worths=self.worths, total_value=self.worth.value)

    def context(self, part: str | None) -> Context:
        """What the page needs, or the one panel of it that is asked for."""
        value = {"value": _value(self.worth), "accounts": self.lines, "cash_weight": _weight(self.worth)}
        readers = {
            "history": self.history,
            "allocation": self.allocation,
            "movers": self.movers,
            "income": self.income,
            "issues": self.issues,
        }
        wanted = [part] if part else list(readers) if self.worths else []
        return value | {name: readers[name]() for name in wanted}

    def history(self) -> Panel[HistoryPanel]:
        period = self.request.GET.get("period", DEFAULT_PERIOD)
        benchmark = self.request.GET.get("benchmark", "")
        return self._read("history", partial(self._history, period, benchmark), variant=f"{period} {benchmark}")

    def _history(self, period: str, benchmark: str) -> HistoryPanel:
        panel = history_panel(
            user_id=self.request.user.pk,
            account_ids=self.scope.account_ids,
            period=period,
            currency=self.currency,
            today=market_today(),
            worth=self.worth,
        )
        return beside_benchmark(panel, chosen=benchmark, own=self.request.user.benchmark)

    def allocation(self) -> Panel[AllocationPanel]:
        by = self.request.GET.get("by", DEFAULT_DIMENSION)
        return self._read("allocation", partial(self._allocation, by), variant=by)

    def _allocation(self, by: str) -> AllocationPanel:
        held = pieces(worths=self.worths)
        return allocation_panel(by=by, pieces=held, total_value=self.worth.value, currency=self.currency)

    def movers(self) -> Panel[list[Mover]]:
        return self._read("movers", lambda: movers(worths=self.worths, total_value=self.worth.value))

    def income(self) -> Panel[IncomePanel | None]:
        return self._read("income_panel", self._income)

    def _income(self) -> IncomePanel | None:
        return income_panel(account_ids=self.scope.account_ids, worths=self.worths, currency=self.currency)

    def issues(self) -> Panel[Issues]:
        return self._read("issues", lambda: issues(account_ids=self.scope.account_ids, worth=self.worth))

    def _read(self, name: str, load: Callable[[], Content], variant: str = "") -> Panel[Content]:
        variant = f"{self.currency} {variant}"
        return read_panel(name, load, user_id=self.request.user.pk, scope=self.scope, variant=variant)


@login_required
@remembers("overview", ("period", "by", "benchmark"))
def overview(request: HttpRequest) -> HttpResponse:
    """The page, or the one panel that a range or dimension button asks for."""
    watch(user_id=request.user.pk)
    target = request.htmx.target if getattr(request, "htmx", None) else None
    part = target if target in PARTS else None
    context = Overview(request).context(part) | {"connect_url": reverse("onboarding_connect")}
    return render(request, PARTS[part] if part else "history/overview.html", context)


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
