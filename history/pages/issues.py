"""The data quality panel: what in the past does not add up, in sentences, and what can be done."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from history.models import Anomaly
from history.reconstruction.anomalies import page_of, tell
from history.valuation import Worth
from investments.kinds import security_label

MOST_ROWS = 6
ACTIONS = {"opening_balance": "Add it", "deposit": "Add it", "sale": "Add it"}
Kind = Anomaly.Kind


@dataclass(frozen=True, slots=True)
class Issue:
    title: str
    detail: str
    is_warning: bool = True
    url: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True)
class Issues:
    rows: tuple[Issue, ...]

    @property
    def warnings(self) -> int:
        """How many somebody should look at; the rest is only worth knowing."""
        return sum(row.is_warning for row in self.rows)


def issues(*, account_ids: Sequence[int], worth: Worth) -> Issues:
    """The worst first; holdings that only the brokerage prices are one line. One query."""
    found = Anomaly.objects.filter(account__in=account_ids).select_related("account", "security").order_by("-day", "pk")
    by_kind = {kind: list(rows) for kind, rows in groupby(sorted(found, key=_kind), key=_kind)}
    unmapped = by_kind.pop(Kind.UNMAPPED, [])
    past = [row for row in by_kind.pop(Kind.UNCONVERTED, []) if _currency(row) not in worth.missing_rates]
    rest = [row for rows in (*by_kind.values(), past) for row in rows]
    told = [*map(_missing_rate, worth.missing_rates), *map(_told, rest)]
    return Issues((*told[:MOST_ROWS], *([_unmapped(unmapped)] if unmapped else [])))


def _kind(anomaly: Anomaly) -> str:
    return anomaly.kind


def _currency(anomaly: Anomaly) -> str:
    return anomaly.security.currency if anomaly.security else anomaly.account.currency


def _missing_rate(currency: str) -> Issue:
    return Issue(f"No exchange rate for {currency}", f"What is held in {currency} is not in the total.")


def _told(anomaly: Anomaly) -> Issue:
    told = tell(anomaly)
    sentence = f"{told.account_name}. {told.detail} {told.advice}"
    return Issue(told.title, sentence, url=page_of(told), action=ACTIONS.get(told.fix, "Look"))


def _unmapped(rows: list[Anomaly]) -> Issue:
    names = sorted({security_label(row.security) for row in rows if row.security})
    count = len(names)
    title = f"{names[0]} has no public price" if count == 1 else f"{count} holdings have no public price"
    listed = ", ".join(names[:4]) + ("…" if count > 4 else "")
    return Issue(title, f"{listed}: valued as the brokerage does.", is_warning=False)
