"""What income is worked out from, read in one go: positions, the ledger's rows of a year, what issuers declared."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from history.market.fx import rates_on
from history.valuation import AccountWorth
from investments.core.effects import effect_of
from investments.core.income import REACH, ZERO, Declared, Held, Row, Split, is_income
from investments.models import Account, CorporateAction, Holding, Security, Transaction

SPLITS = (CorporateAction.Kind.SPLIT, CorporateAction.Kind.STOCK_DIVIDEND)
DIVIDENDS = (CorporateAction.Kind.CASH_DIVIDEND, CorporateAction.Kind.SPECIAL_DIVIDEND)
# A split that the brokerage also books is the same one within this time.
SAME_SPLIT = timedelta(days=10)
COLUMNS = (
    "date", "account_id", "security_id", "type", "subtype", "quantity", "amount", "fees", "currency", "external_id",
    "cancels_external_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Position:
    """A security over the accounts, money in the base currency; `reinvested` is the share of units meant to grow."""

    security: Security
    units: Decimal
    value: Decimal | None
    cost: Decimal | None
    reinvested: Decimal


@dataclass(frozen=True, slots=True)
class Records:
    """Everything by security id. Money in the base currency; what lacks a rate is left out and named."""

    positions: Mapping[int, Position]
    rows: Sequence[Row]
    held: Mapping[int, Held]
    declared: Mapping[int, Sequence[Declared]]
    securities: Mapping[int, Security]
    missing_rates: tuple[str, ...]


def income_records(
    *, account_ids: Sequence[int], worths: Sequence[AccountWorth], currency: str, since: date, today: date
) -> Records:
    """The records of these accounts since a day, in five queries at most, one of them for foreign money only."""
    by_account = {worth.account_id: worth for worth in worths}
    positions = _positions(by_account)
    ledger = _ledger(account_ids, since)
    income = [row for row in ledger if is_income(row["type"], row["subtype"])]
    paying = {row["security_id"] for row in income} | positions.keys()
    actions = CorporateAction.objects.filter(
        security__in=paying - {None}, voided_at=None, kind__in=(*SPLITS, *DIVIDENDS), ex_date__gte=since - REACH
    ).order_by("ex_date", "pk")
    by_security: dict[int, list[CorporateAction]] = defaultdict(list)
    for action in actions:
        by_security[action.security_id].append(action)
    securities = Security.objects.in_bulk(list(paying - positions.keys() - {None}))
    securities |= {pk: position.security for pk, position in positions.items()}
    currencies = {pk: securities[pk].currency for pk in by_security}
    rates = rates_on(
        {(row["currency"], row["date"]) for row in income} | {(told, today) for told in currencies.values()}, currency
    )
    splits = {pk: _splits(of_one) for pk, of_one in by_security.items()}
    traded = defaultdict(list)
    for row in ledger:
        traded[row["security_id"]].append(row)
    missing = {name for (name, _), rate in rates.items() if rate is None}
    return Records(
        positions=positions,
        rows=[row for values in income if (row := _row(values, rates)) is not None],
        held={pk: _held(positions.get(pk), traded[pk], splits.get(pk, [])) for pk in paying - {None}},
        declared={pk: _declared(of_one, rates[(currencies[pk], today)]) for pk, of_one in by_security.items()},
        securities=securities,
        missing_rates=tuple(sorted(missing | {worth.currency for worth in worths if worth.rate is None})),
    )


def _positions(worths: Mapping[int, AccountWorth]) -> dict[int, Position]:
    held: dict[int, list[Holding]] = defaultdict(list)
    rows = Holding.objects.filter(account__in=worths).held().select_related("account", "security").order_by("pk")
    for row in rows:
        if row.quantity and not row.security.is_cash:
            held[row.security_id].append(row)
    return {pk: _position(rows, worths) for pk, rows in held.items()}


def _position(rows: Sequence[Holding], worths: Mapping[int, AccountWorth]) -> Position:
    def total(name: str) -> Decimal | None:
        parts = [(getattr(row, name), worths[row.account_id].rate) for row in rows]
        known = [amount * rate for amount, rate in parts if amount is not None and rate is not None]
        return sum(known, ZERO) if len(known) == len(parts) else None

    units = sum((row.quantity for row in rows), ZERO)
    growing = [row for row in rows if row.account.income_preference == Account.IncomePreference.REINVEST]
    reinvested = sum((row.quantity for row in growing), ZERO)
    return Position(rows[0].security, units, total("value"), total("cost_basis"), reinvested / units if units else ZERO)


def _ledger(account_ids: Sequence[int], since: date) -> list[dict[str, Any]]:
    """The current rows, without cancels and what they cancel."""
    current = Transaction.objects.current().filter(account__in=account_ids, date__gte=since)
    rows = list(current.order_by("date", "pk").values(*COLUMNS))
    cancelled = {(row["account_id"], row["cancels_external_id"]) for row in rows if row["type"] == "cancel"}
    return [row for row in rows if row["type"] != "cancel" and (row["account_id"], row["external_id"]) not in cancelled]


def _row(told: Mapping[str, Any], rates: Mapping[tuple[str, date], Decimal | None]) -> Row | None:
    """In the base currency at the rate of its own day."""
    rate = rates[(told["currency"], told["date"])]
    if rate is None:
        return None
    return Row(
        day=told["date"],
        account=told["account_id"],
        security=told["security_id"],
        type=told["type"],
        subtype=told["subtype"],
        amount=told["amount"] * rate,
        fees=told["fees"] * rate,
    )


def _splits(actions: Sequence[CorporateAction]) -> list[Split]:
    return [Split(action.ex_date, action.ratio) for action in actions if action.kind in SPLITS and action.ratio]


def _held(position: Position | None, rows: Sequence[Mapping[str, Any]], splits: Sequence[Split]) -> Held:
    changes = [(row["date"], row["quantity"]) for row in rows if row["quantity"] and not _is_known_split(row, splits)]
    return Held(position.units if position else ZERO, changes, splits)


def _is_known_split(row: Mapping[str, Any], splits: Sequence[Split]) -> bool:
    if effect_of(row["type"], row["subtype"]).corporate_action not in ("split", "stock_dividend"):
        return False
    return any(abs(row["date"] - split.ex_date) <= SAME_SPLIT for split in splits)


def _declared(actions: Sequence[CorporateAction], rate: Decimal | None) -> list[Declared]:
    """None where the currency has no rate."""
    if rate is None:
        return []
    special = CorporateAction.Kind.SPECIAL_DIVIDEND
    return [
        Declared(
            action.security_id, action.ex_date, action.cash_per_unit * rate, action.pay_date, action.kind == special
        )
        for action in actions
        if action.kind in DIVIDENDS and action.cash_per_unit
    ]
