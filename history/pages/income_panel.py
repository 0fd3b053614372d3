"""The overview's panel on income: a year back, a year ahead, and who pays next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from history.income import income_report
from history.valuation import AccountWorth
from investments.kinds import security_label

NEXT_SHOWN = 4


@dataclass(frozen=True, slots=True)
class NextPayment:
    day: date
    label: str
    amount: Decimal
    is_announced: bool


@dataclass(frozen=True, slots=True)
class IncomePanel:
    """Money in the base currency."""

    received: Decimal
    expected: Decimal
    yield_on_value: float | None
    following: tuple[NextPayment, ...]


def income_panel(*, account_ids: Sequence[int], worths: Sequence[AccountWorth], currency: str) -> IncomePanel | None:
    """None where nothing was paid in the last year and nothing is expected."""
    report = income_report(account_ids=account_ids, worths=worths, currency=currency)
    if not report.received.gross and not report.expected:
        return None
    coming = [entry for entry in report.calendar if entry.kind == "pay" and entry.day > report.today and entry.security]
    following = tuple(
        NextPayment(entry.day, security_label(entry.security), entry.amount, entry.status.value == "announced")
        for entry in coming[:NEXT_SHOWN]
        if entry.security
    )
    return IncomePanel(report.received.gross, report.expected_total, report.yield_on_value, following)
