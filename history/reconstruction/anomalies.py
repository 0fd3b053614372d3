"""What does not add up in the past of accounts, in plain words, and what puts it right."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.http import urlencode

from history.models import Anomaly
from investments.kinds import security_label
from investments.ledger.derived import SELF_KEPT
from portfolio_site.templatetags.figures import money_text

Kind = Anomaly.Kind

# What puts it right. A split that nobody told of looks like a purchase that is missing: units that were never bought.
FIXES: Final[dict[str, tuple[str, str]]] = {
    Kind.NEGATIVE_UNITS: ("opening_balance", "Add the purchase or an opening balance; or a split, if there was one."),
    Kind.NEGATIVE_CASH: (
        "deposit",
        "Add what is missing: in a connected account what left it later, in one that you keep the deposit before.",
    ),
    Kind.NEVER_PRICED: ("mapping", "An operator has to say which market symbol prices it."),
    Kind.UNMAPPED: ("mapping", "Nothing, if nobody trades it; else an operator says which market symbol prices it."),
    Kind.BASIS: ("opening_balance", "Add the purchases that are missing, or an opening balance with its cost."),
    Kind.SEAM: ("reconstruction", "Rebuild the history; what the evening's snapshot said then stays."),
    Kind.UNCONVERTED: ("rate", "It is converted as soon as a rate is known; nobody has to do anything."),
}
# What a brokerage says is held is sure: where its purchases are more than that, it is their end that has no row.
REPORTED_UNITS: Final = ("sale", "Add the sale or the transfer that took them out; or a split, if there was one.")


@dataclass(frozen=True, slots=True)
class Told:
    """An anomaly in words. `size` is in `unit`: units, or the account's currency."""

    account_id: int
    account_name: str
    kind: str
    day: date
    security_id: int | None
    security: str
    ticker: str
    size: Decimal
    unit: str
    title: str
    detail: str
    fix: str
    advice: str


def anomalies(*, account_ids: Sequence[int]) -> list[Told]:
    """Of the accounts, the newest first; one query."""
    found = Anomaly.objects.filter(account__in=account_ids).select_related("account", "security")
    return [tell(anomaly) for anomaly in found.order_by("-day", "pk")]


def tell(anomaly: Anomaly) -> Told:
    """The anomaly in words; its account and security are read."""
    security, kind = anomaly.security, Kind(anomaly.kind)
    label = security_label(security) if security else "cash"
    title, detail = _sentences(anomaly, label)
    in_money = kind in (Kind.NEGATIVE_CASH, Kind.BASIS, Kind.SEAM)
    fix, advice = REPORTED_UNITS if _is_of_reported_units(anomaly) else FIXES[kind]
    return Told(
        account_id=anomaly.account_id,
        account_name=anomaly.account.name,
        kind=kind,
        day=anomaly.day,
        security_id=anomaly.security_id,
        security=label if security else "",
        ticker=security.ticker_symbol if security else "",
        size=anomaly.size,
        unit=anomaly.account.currency if in_money else "units",
        title=title,
        detail=detail,
        fix=fix,
        advice=advice,
    )


def page_of(told: Told) -> str:
    """The page on which it is put right, or looked at."""
    if told.kind == Kind.NEGATIVE_UNITS and told.fix == "opening_balance":
        return f"{reverse('tax')}?{urlencode({'account': told.account_id})}#fixes"
    if told.fix in ("deposit", "sale"):
        return f"{reverse('transaction_add')}?{urlencode({'account': told.account_id})}"
    return f"{reverse('transactions')}?{urlencode({'account': told.account_id, 'q': told.ticker})}"


def _is_of_reported_units(anomaly: Anomaly) -> bool:
    return anomaly.kind == Kind.NEGATIVE_UNITS and anomaly.account.source not in SELF_KEPT


def _sentences(anomaly: Anomaly, security: str) -> tuple[str, str]:
    day, size = date_format(anomaly.day, "j M Y"), abs(anomaly.size)
    units, amount = f"{size.normalize():f}", money_text(size, anomaly.account.currency)
    if _is_of_reported_units(anomaly):
        return f"A sale of {security} is missing", f"{units} more were bought after {day} than are there now."
    return {
        Kind.NEGATIVE_UNITS: (f"A purchase of {security} is missing", f"{units} more were sold by {day} than bought."),
        Kind.NEGATIVE_CASH: ("Cash falls below zero", f"To {amount} under, first on {day}: a row is missing."),
        Kind.NEVER_PRICED: (f"No price for {security}", f"From {day}; it counts as nothing until one is known."),
        Kind.UNCONVERTED: (f"No exchange rate for {security}", f"From {day}; it counts as nothing until one is known."),
        Kind.BASIS: (f"The cost of {security} is in doubt", f"It differs by {amount} from what the purchases cost."),
        Kind.SEAM: ("Snapshot and history differ", f"By {amount} on {day}."),
        Kind.UNMAPPED: (f"{security} has no public price", "Valued as the brokerage does."),
    }[Kind(anomaly.kind)]
