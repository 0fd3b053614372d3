"""The data quality panel: what in the past does not add up, in sentences, and what can be done."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.http import urlencode

from history.models import Anomaly
from history.valuation import Worth
from investments.kinds import security_label
from portfolio_site.templatetags.figures import money_text

MOST_ROWS = 6
Kind = Anomaly.Kind


@dataclass(frozen=True, slots=True)
class Issue:
    title: str
    detail: str
    is_warning: bool = True
    url: str = ""
    action: str = ""


def issues(*, account_ids: Sequence[int], worth: Worth) -> list[Issue]:
    """The worst first; holdings that only the brokerage prices are one line. One query."""
    found = Anomaly.objects.filter(account__in=account_ids).select_related("account", "security").order_by("-day", "pk")
    by_kind = {kind: list(rows) for kind, rows in groupby(sorted(found, key=_kind), key=_kind)}
    unmapped = by_kind.pop(Kind.UNMAPPED, [])
    told = [*map(_missing_rate, worth.missing_rates), *(_told(row) for rows in by_kind.values() for row in rows)]
    return [*told[:MOST_ROWS], *([_unmapped(unmapped)] if unmapped else [])]


def _kind(anomaly: Anomaly) -> str:
    return anomaly.kind


def _missing_rate(currency: str) -> Issue:
    return Issue(f"No exchange rate for {currency}", f"What is held in {currency} is not in the total.")


def _told(anomaly: Anomaly) -> Issue:
    security = security_label(anomaly.security) if anomaly.security else "cash"
    day, size = date_format(anomaly.day, "j M Y"), abs(anomaly.size)
    units, amount = f"{size.normalize():f}", money_text(size, anomaly.account.currency)
    title, detail = {
        Kind.NEGATIVE_UNITS: (f"A purchase of {security} is missing", f"{units} more were sold by {day} than bought."),
        Kind.NEGATIVE_CASH: ("Cash falls below zero", f"To {amount} under, first on {day}: a deposit is missing."),
        Kind.NEVER_PRICED: (f"No price for {security}", f"From {day}; it counts as nothing until one is known."),
        Kind.BASIS: (f"The cost of {security} is in doubt", f"It differs by {amount} from what the purchases cost."),
        Kind.SEAM: ("Snapshot and history differ", f"By {amount} on {day}."),
    }.get(Kind(anomaly.kind), (anomaly.get_kind_display(), day))
    query = urlencode({"account": anomaly.account_id, "q": anomaly.security.ticker_symbol if anomaly.security else ""})
    return Issue(title, f"{anomaly.account.name}. {detail}", url=f"{reverse('transactions')}?{query}", action="Look")


def _unmapped(rows: list[Anomaly]) -> Issue:
    names = sorted({security_label(row.security) for row in rows if row.security})
    count = len(names)
    title = f"{names[0]} has no public price" if count == 1 else f"{count} holdings have no public price"
    listed = ", ".join(names[:4]) + ("…" if count > 4 else "")
    return Issue(title, f"{listed}: valued as the brokerage does.", is_warning=False)
