"""The allocation panel: how the value divides by asset class, sector, account or institution."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from history.pages.accounts import InstitutionLines
from history.valuation import AccountWorth
from investments.kinds import CASH, OTHER, asset_class
from investments.models import Holding, Security

ZERO = Decimal(0)
DIMENSIONS = {"class": "asset class", "sector": "sector", "account": "account", "institution": "institution"}
DEFAULT_DIMENSION = "class"
MOST_SLICES = 8
POOLED_KINDS = {"etf", "mutual fund"}


@dataclass(frozen=True, slots=True)
class Slice:
    """`value` in the base currency; `weight` of the total, below zero for shorts; `color` 1 to 8; `key` filters."""

    label: str
    value: Decimal
    weight: float
    color: int
    key: str = ""


@dataclass(frozen=True, slots=True)
class Dimension:
    code: str
    words: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class AllocationPanel:
    by: str
    slices: tuple[Slice, ...]
    currency: str

    @property
    def words(self) -> str:
        return DIMENSIONS[self.by]

    @property
    def dimensions(self) -> list[Dimension]:
        return [
            Dimension(code, words.removeprefix("asset ").capitalize(), code == self.by)
            for code, words in DIMENSIONS.items()
        ]

    @property
    def series(self) -> dict[str, Any]:
        """The contract of `allocation.js`."""
        return {
            "currency": self.currency,
            "slices": [
                {"label": part.label, "value": float(part.value), "weight": part.weight, "color": part.color}
                for part in self.slices
            ],
        }


Part = tuple[str, Decimal, str]


def allocation_panel(
    *,
    by: str,
    worths: Sequence[AccountWorth],
    accounts: Sequence[InstitutionLines],
    total_value: Decimal,
    currency: str,
) -> AllocationPanel:
    """Slices that add up to the total. By account and institution from what is loaded; else one query."""
    chosen = by if by in DIMENSIONS else DEFAULT_DIMENSION
    parts = {
        "class": lambda: _by_security(worths, asset_class),
        "sector": lambda: _by_security(worths, sector),
        "account": lambda: _by_account(accounts),
        "institution": lambda: _by_institution(accounts),
    }[chosen]()
    return AllocationPanel(chosen, tuple(_slices(parts, total_value)), currency)


def sector(security: Security) -> str:
    """The sector; funds hold many, so they are `Funds`, and what nobody has classified says so."""
    if security.is_cash or security.is_cash_equivalent:
        return CASH
    if security.sector:
        return security.sector
    return "Funds" if security.type in POOLED_KINDS else "Not classified"


def _by_security(worths: Sequence[AccountWorth], label_of: Callable[[Security], str]) -> Iterator[Part]:
    """Cash comes from the accounts' worth, so that cash without a holding counts."""
    rates = {worth.account_id: worth.rate for worth in worths if worth.rate is not None}
    yield CASH, sum((worth.cash * (worth.rate or ZERO) for worth in worths), ZERO), ""
    held = Holding.objects.filter(account__in=rates).held().select_related("security", "account")
    for holding in held:
        if not holding.security.is_cash and holding.value is not None:
            yield label_of(holding.security), holding.value * rates[holding.account_id], ""


def _by_account(groups: Sequence[InstitutionLines]) -> Iterator[Part]:
    for group in groups:
        for line in group.accounts:
            yield line.account.name, line.value or ZERO, line.account.key


def _by_institution(groups: Sequence[InstitutionLines]) -> Iterator[Part]:
    for group in groups:
        yield group.institution.name, group.value, f"institution-{group.institution.pk}"


def _slices(parts: Iterator[Part], total_value: Decimal) -> Iterator[Slice]:
    """Greatest first; what does not fit into eight colours is `Other`, last."""
    sums: dict[tuple[str, str], Decimal] = {}
    for label, value, key in parts:
        sums[label, key] = sums.get((label, key), ZERO) + value
    found = sorted((item for item in sums.items() if item[1]), key=lambda item: (-item[1], item[0]))
    if len(found) > MOST_SLICES:
        rest = sum((value for _, value in found[MOST_SLICES - 1 :]), ZERO)
        found = [*found[: MOST_SLICES - 1], ((OTHER, ""), rest)]
    for color, ((label, key), value) in enumerate(found, start=1):
        yield Slice(label, value, float(value / total_value) if total_value else 0.0, color, key)
