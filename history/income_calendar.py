"""The income calendar as iCalendar, for the calendar of a phone."""

from collections.abc import Iterable
from datetime import datetime

from history.income import Entry
from investments.core.income import Status
from investments.kinds import security_label
from portfolio_site.lib.ics import DayEvent, calendar
from portfolio_site.lib.money import displayed

WORDS = {
    Status.RECEIVED: "paid",
    Status.ANNOUNCED: "pays",
    Status.PROJECTED: "is expected to pay",
}


def calendar_text(entries: Iterable[Entry], *, currency: str, now: datetime) -> str:
    """All entries as whole-day events."""
    return calendar("Longview income", [_event(entry, currency) for entry in entries], now=now)


def _event(entry: Entry, currency: str) -> DayEvent:
    name = security_label(entry.security) if entry.security else "Cash"
    amount = f"{displayed(entry.amount, currency):,} {currency}"
    summary = f"{name} ex-dividend" if entry.kind == "ex" else f"{name} {WORDS[entry.status]} {amount}"
    pk = entry.security.pk if entry.security else 0
    return DayEvent(
        uid=f"{entry.kind}-{pk}-{entry.day:%Y%m%d}@longview",
        day=entry.day,
        summary=summary,
        description=f"{amount} for what is held before this day." if entry.kind == "ex" else "",
        tentative=entry.status is Status.PROJECTED,
    )
