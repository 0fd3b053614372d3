"""What a portfolio is made of now: every holding and the cash of every account, by any of seven labels.

A holding without a price of the last session counts with its last one, and is marked. Funds are not looked through.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from django.utils import timezone

from history.core.allocation import Broad, Part, Slice, broad_kind, slices
from history.valuation import AccountWorth
from investments.kinds import CASH, asset_class, security_label
from investments.models import Account, Holding, Security
from portfolio_site.lib.sessions import last_closed_session

DIMENSIONS: Final = {
    "class": "asset class",
    "sector": "sector",
    "industry": "industry",
    "account": "account",
    "institution": "institution",
    "currency": "currency",
    "security": "security",
}
POOLED_KINDS: Final = {"etf", "mutual fund"}
FUNDS, NOT_CLASSIFIED = "Funds", "Not classified"
ZERO: Final = Decimal(0)


class UnknownDimension(ValueError):
    """Nothing divides by that."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A holding (or, without a security, an account's cash) worth `value` in the base currency."""

    account: Account
    security: Security | None
    value: Decimal
    unpriced: bool


@dataclass(frozen=True, slots=True)
class Pieces:
    """All that has a value; `missing` holdings of the accounts have none, for want of a price or of a rate."""

    pieces: tuple[Piece, ...]
    missing: int

    def weights(self, by: str, total: Decimal) -> dict[str, float]:
        """Each label's share of the total."""
        return {part.label: part.weight or 0.0 for part in self.slices(by, total)}

    def slices(self, by: str, total: Decimal) -> list[Slice]:
        """Slices that add up to the total, greatest first. Raises UnknownDimension."""
        if by not in DIMENSIONS:
            raise UnknownDimension(f"by must be one of {', '.join(DIMENSIONS)}")
        return slices((_part(piece, by) for piece in self.pieces), total)

    def broad(self, total: Decimal) -> list[Slice]:
        """Cash, stock, bond and other, in this order, each there even if it is nothing."""
        found = slices((_broad(piece) for piece in self.pieces), total)
        by_label = {part.label: part for part in found}
        nothing = 0.0 if total > 0 else None
        return [by_label.get(kind.value, Slice(kind.value, ZERO, nothing)) for kind in Broad]


def pieces(*, worths: Sequence[AccountWorth], now: datetime | None = None) -> Pieces:
    """Everything in the accounts. Two queries."""
    rates = {worth.account_id: worth.rate for worth in worths if worth.rate is not None}
    accounts = Account.objects.select_related("institution").in_bulk(rates)
    held = Holding.objects.filter(account__in=rates).held().select_related("security").order_by("pk")
    rows = [row for row in held if not row.security.is_cash]
    for row in rows:
        row.account = accounts[row.account_id]  # read already: a value may ask for its currency
    session = last_closed_session(now or timezone.now())
    return Pieces(
        (*_cash(worths, accounts), *_holdings(rows, accounts, rates, session)),
        missing=sum(row.value is None and bool(row.quantity) for row in rows),
    )


def _cash(worths: Sequence[AccountWorth], accounts: Mapping[int, Account]) -> Iterator[Piece]:
    """From the accounts' worth, so that cash without a holding counts; funds that count as cash are holdings."""
    for worth in worths:
        if worth.rate is not None and worth.account_id in accounts:
            yield Piece(accounts[worth.account_id], None, worth.uninvested * worth.rate, unpriced=False)


def _holdings(
    rows: Sequence[Holding], accounts: Mapping[int, Account], rates: Mapping[int, Decimal], session: date
) -> Iterator[Piece]:
    for row in rows:
        if row.value is not None:
            stale = row.priced_on is None or row.priced_on < session
            yield Piece(accounts[row.account_id], row.security, row.value * rates[row.account_id], unpriced=stale)


def sector(security: Security | None) -> str:
    """The sector; funds hold many, so they are `Funds`, and what nobody has classified says so."""
    return _classified(security, security.sector if security else "")


def industry(security: Security | None) -> str:
    """As `sector`, by industry."""
    return _classified(security, security.industry if security else "")


def _classified(security: Security | None, told: str) -> str:
    if security is None or security.is_cash or security.is_cash_equivalent:
        return CASH
    return told or (FUNDS if security.type in POOLED_KINDS else NOT_CLASSIFIED)


def _class(security: Security | None) -> str:
    return CASH if security is None else asset_class(security)


def _security(security: Security | None) -> str:
    return CASH if security is None else security_label(security)


OF_SECURITY: Final[dict[str, Callable[[Security | None], str]]] = {
    "class": _class,
    "sector": sector,
    "industry": industry,
    "security": _security,
}


def label_of(by: str, security: Security | None, account: Account) -> tuple[str, str]:
    """(label, key): what a piece counts to, and the `?account=` that shows it alone where there is one."""
    if by == "account":
        return account.name, str(account.pk)
    if by == "institution":
        return account.institution.name, f"institution-{account.institution_id}"
    if by == "currency":
        return (account.currency if security is None else security.currency), ""
    return OF_SECURITY[by](security), ""


def _part(piece: Piece, by: str) -> Part:
    label, key = label_of(by, piece.security, piece.account)
    return Part(label, piece.value, key, piece.unpriced)


def _broad(piece: Piece) -> Part:
    security = piece.security
    if security is None:
        kind = Broad.CASH
    else:
        is_cash = security.is_cash or security.is_cash_equivalent
        kind = broad_kind(security.type, is_cash=is_cash, name=security.name, subtype=security.subtype)
    return Part(kind.value, piece.value, "", piece.unpriced)
