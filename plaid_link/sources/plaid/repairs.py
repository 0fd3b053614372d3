"""What institutions tell in units of their own, put into the ledger's: pure functions over what was read.

Each repair is recorded on the row it changed (`source_metadata`, `repairs`), so that it can be seen and undone.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

from investments.entries import AccountEntry, Finding, HoldingEntry, SecurityEntry, TransactionEntry

CONTRACT = Decimal(100)
# Rounded prices and fees move a ratio by less than this.
NEAR = Decimal("0.05")
CENT = Decimal("0.01")
TRADES = frozenset({"buy", "sell"})
IN_SHARES = "quantity: told in shares, kept in contracts of 100"
PER_CONTRACT = "price: told per contract, kept per share"
NO_CURRENCY = "Currency: told nowhere, read as USD"
INDEXED = "price: told before inflation, kept with it"
# Clearing houses give an adjusted contract, and a mini, its underlying's symbol with a digit.
ADJUSTED = re.compile(r"^[A-Z.]+[1-9]\s*\d{6}[CP]\d{8}$")
WHOLE = Decimal("0.002")
# A bond is quoted per 100 of par; one that follows prices is worth that times what they have risen by.
PER_100 = (Decimal("0.005"), Decimal("0.05"))
PER_UNIT_BASIS = "cost_basis: told per unit, kept for the position"

Securities = Mapping[str, SecurityEntry]


def options_in_shares(
    securities: Securities, holdings: Iterable[HoldingEntry], transactions: Iterable[TransactionEntry]
) -> set[str]:
    """The options that the institution counts in shares: there value is quantity x price, without the 100."""
    return {
        security
        for security, quantity, price, value in _told(holdings, transactions)
        if _is_option(securities, security) and quantity % CONTRACT == 0 and _times(value, quantity * price, 1)
    }


def _told(
    holdings: Iterable[HoldingEntry], transactions: Iterable[TransactionEntry]
) -> Iterator[tuple[str, Decimal, Decimal, Decimal]]:
    """(security, quantity, price, value) wherever all of them are told: of what is held, and of what was traded."""
    for holding in holdings:
        yield holding.security_external_id, holding.quantity, holding.institution_price, holding.institution_value
    for row in transactions:
        if row.security_external_id:
            yield row.security_external_id, row.quantity, row.price, abs(row.amount) - row.fees


def repaired_holding(
    entry: HoldingEntry, securities: Securities, in_shares: Collection[str], per_100: Collection[str] = ()
) -> HoldingEntry:
    """An option in contracts, priced per share; a bond that follows inflation, priced with it."""
    if entry.security_external_id in per_100:
        return _indexed_holding(entry, securities, per_100)
    if not _is_option(securities, entry.security_external_id):
        return entry
    if entry.security_external_id in in_shares:
        return _noted(entry, IN_SHARES, quantity=entry.quantity / CONTRACT)
    if _times(entry.institution_value, entry.quantity * entry.institution_price, 1):
        return _noted(entry, PER_CONTRACT, institution_price=entry.institution_price / CONTRACT)
    return entry


def repaired_transaction(
    entry: TransactionEntry, securities: Securities, in_shares: Collection[str], per_100: Collection[str] = ()
) -> TransactionEntry:
    """As `repaired_holding`; an option's transaction also without an amount, such as an expiry."""
    if entry.security_external_id in per_100:
        return _indexed_transaction(entry, securities, per_100)
    if not _is_option(securities, entry.security_external_id):
        return entry
    if entry.security_external_id in in_shares:
        return replace(entry, quantity=entry.quantity / CONTRACT, repairs=(*entry.repairs, IN_SHARES))
    if _times(abs(entry.amount) - entry.fees, entry.quantity * entry.price, 1):
        return replace(entry, price=entry.price / CONTRACT, repairs=(*entry.repairs, PER_CONTRACT))
    return entry


def with_remark(entry: TransactionEntry, securities: Securities, per_100: Collection[str]) -> TransactionEntry:
    """A trade whose amount is not what its units and price make: kept as told, for the cash is what moved."""
    security = securities.get(entry.security_external_id)
    if entry.type not in TRADES or security is None or security.is_cash or not (entry.quantity and entry.price):
        return entry
    made, told = abs(entry.quantity * entry.price * _size(security, per_100)), abs(entry.amount)
    if abs(told - made) <= abs(entry.fees) + max(made * NEAR, CENT):
        return entry
    remark = f"amount: {told:f} is not {abs(entry.quantity):f} x {entry.price:f}; the amount counts"
    return replace(entry, repairs=(*entry.repairs, remark))


def with_value_remark(entry: HoldingEntry, securities: Securities, per_100: Collection[str]) -> HoldingEntry:
    """A holding whose value is not what its units and price make: kept as told."""
    security = securities.get(entry.security_external_id)
    if security is None or security.is_cash:
        return entry
    made = entry.quantity * entry.institution_price * _size(security, per_100)
    if abs(entry.institution_value - made) <= max(abs(made) * NEAR, CENT):
        return entry
    told = f"{entry.institution_value:f} is not {entry.quantity:f} x {entry.institution_price:f}"
    return _noted(entry, f"institution_value: {told}; kept as told")


def contract_sizes(
    securities: Securities, holdings: Iterable[HoldingEntry], transactions: Iterable[TransactionEntry]
) -> dict[str, Decimal]:
    """Units that a contract is for, of adjusted options whose value tells a whole number other than 100."""
    found: dict[str, Decimal] = {}
    for security, quantity, price, value in _told(holdings, transactions):
        if quantity * price and _is_option(securities, security) and ADJUSTED.match(securities[security].ticker_symbol):
            ratio = abs(value / (quantity * price))
            size = round(ratio)
            if size not in (0, 1, CONTRACT) and abs(ratio / size - 1) < WHOLE:
                found[security] = Decimal(size)
    return found


def bonds_per_100(
    securities: Securities, holdings: Iterable[HoldingEntry], transactions: Iterable[TransactionEntry]
) -> set[str]:
    """The bonds quoted per 100 of par: value is quantity x price / 100. One that has matured tells by its trades.

    Also those that follow inflation, whose value is that many times more.
    """
    return {
        security
        for security, quantity, price, value in _told(holdings, transactions)
        if security in securities
        and securities[security].type == "fixed income"
        and quantity * price
        and PER_100[0] < abs(value / (quantity * price)) < PER_100[1]
    }


def _indexed_holding(entry: HoldingEntry, securities: Securities, per_100: Collection[str]) -> HoldingEntry:
    """A bond that follows inflation at what 100 of its par are worth with it: so units and price make its value."""
    price = _indexed_price(
        entry.security_external_id,
        securities,
        per_100,
        entry.quantity,
        entry.institution_price,
        entry.institution_value,
    )
    return entry if price is None else _noted(entry, INDEXED, institution_price=price)


def _indexed_transaction(entry: TransactionEntry, securities: Securities, per_100: Collection[str]) -> TransactionEntry:
    """As `_indexed_holding`, of what was traded."""
    if entry.type not in TRADES:
        return entry
    paid = abs(entry.amount) - entry.fees
    price = _indexed_price(entry.security_external_id, securities, per_100, entry.quantity, entry.price, paid)
    return entry if price is None else replace(entry, price=price, repairs=(*entry.repairs, INDEXED))


def _indexed_price(
    security: str, securities: Securities, per_100: Collection[str], quantity: Decimal, price: Decimal, value: Decimal
) -> Decimal | None:
    """Per 100 of par with inflation, None where the price is whole. Accrued interest is no inflation."""
    if security not in per_100 or not quantity * price or not value:
        return None
    rise = abs(value / (quantity * price)) * 100
    least = WHOLE if "inflation" in securities[security].subtype.lower() else NEAR
    return price * rise if abs(rise - 1) > least else None


def quoted_per_100(entry: SecurityEntry) -> SecurityEntry:
    return replace(entry, fixed_income={**(entry.fixed_income or {}), "quoted_per_100": True})


def completed_security(
    entry: SecurityEntry, currencies: Mapping[str, tuple[str, str]], *, typed: bool
) -> tuple[SecurityEntry, list[Finding]]:
    """A security whose currency is that of its rows where it tells none; and remarks on what it does not tell."""
    row, remarks = f"security {entry.external_id}", []
    if not typed:
        remarks.append(Finding("missing", "No type told: kept as other", row=row, field="type"))
    if not (entry.iso_currency_code or entry.unofficial_currency_code):
        iso, unofficial = currencies.get(entry.external_id, ("", ""))
        message = f"Currency: missing, taken from its rows: {iso or unofficial}" if iso or unofficial else NO_CURRENCY
        remarks.append(Finding("repaired", message, row=row, field="iso_currency_code"))
        entry = replace(entry, iso_currency_code=iso, unofficial_currency_code=unofficial)
    return entry, remarks


def with_total_basis(holdings: Iterable[HoldingEntry], securities: Securities) -> list[HoldingEntry]:
    """Cost basis of the whole position, where an account tells it per unit.

    Basis and value of a position are of one magnitude. Where they differ by about the number of units, the basis is per
    unit. One such position among plain ones is a share that did well, so the account's rows decide together.
    """
    rows = list(holdings)
    votes: dict[str, Counter[bool]] = defaultdict(Counter)
    for row in rows:
        told_per_unit = _looks_per_unit(row, securities)
        if told_per_unit is not None:
            votes[row.account_external_id][told_per_unit] += 1
    per_unit = {account for account, vote in votes.items() if vote[True] > vote[False]}
    return [_total_basis(row, securities) if row.account_external_id in per_unit else row for row in rows]


def _looks_per_unit(row: HoldingEntry, securities: Securities) -> bool | None:
    """None where it cannot be told: no basis, cash, or so few units that both readings are alike."""
    units = _units(row, securities)
    if not row.cost_basis or not row.institution_value or _is_cash(securities, row) or Decimal("0.1") < units < 10:
        return None
    growth = abs(row.institution_value / row.cost_basis)
    if Decimal("0.2") < growth < 5:
        return False
    return True if Decimal("0.5") < growth / units < 2 else None


def _total_basis(row: HoldingEntry, securities: Securities) -> HoldingEntry:
    """The row with its basis multiplied, unless that would make it absurd and as told it is not."""
    if not row.cost_basis or not row.institution_value or _is_cash(securities, row):
        return row
    units = _units(row, securities)
    growth = abs(row.institution_value / row.cost_basis)
    if units == 1 or not units or not Decimal("0.02") < growth / units < 50:
        return row
    return _noted(row, PER_UNIT_BASIS, cost_basis=row.cost_basis * units)


def with_cash(
    accounts: Iterable[AccountEntry], holdings: Iterable[HoldingEntry], securities: Securities
) -> list[AccountEntry]:
    """Accounts with their cash counted once: a cash holding carries it, else the balance that no holding explains."""
    rows = list(holdings)
    carried = {row.account_external_id for row in rows if _is_cash(securities, row)}
    values: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        values[row.account_external_id] += row.institution_value
    return [
        _cash_in_holding(account)
        if account.external_id in carried
        else _cash_in_balance(account, values[account.external_id])
        for account in accounts
    ]


def _cash_in_holding(account: AccountEntry) -> AccountEntry:
    return replace(account, uninvested_cash=Decimal(0), cash_source="holding")


def _cash_in_balance(account: AccountEntry, held: Decimal) -> AccountEntry:
    available, current = account.balance_available, account.balance_current
    if available is None or available <= 0:
        return replace(account, uninvested_cash=Decimal(0), cash_source="none")
    unexplained = available if current is None else min(available, current - held)
    return replace(account, uninvested_cash=max(unexplained, Decimal(0)), cash_source="balance")


def _noted(row: HoldingEntry, repair: str, **values: Decimal) -> HoldingEntry:
    repairs = [*row.source_metadata.get("repairs", []), repair]
    return replace(row, source_metadata={**row.source_metadata, "repairs": repairs}, **values)


def _units(row: HoldingEntry, securities: Securities) -> Decimal:
    if not _is_option(securities, row.security_external_id):
        return abs(row.quantity)
    return abs(row.quantity * (securities[row.security_external_id].contract_size or CONTRACT))


def _size(security: SecurityEntry, per_100: Collection[str]) -> Decimal:
    """Units of value per unit of quantity, as in the ledger."""
    if security.is_option:
        return security.contract_size or CONTRACT
    return Decimal("0.01") if security.external_id in per_100 else Decimal(1)


def _is_option(securities: Securities, security: str) -> bool:
    return security in securities and securities[security].is_option


def _is_cash(securities: Securities, row: HoldingEntry) -> bool:
    return row.security_external_id in securities and securities[row.security_external_id].is_cash


def _times(value: Decimal, product: Decimal, factor: Decimal | int) -> bool:
    """Whether `value` is about `factor` times `product`."""
    return bool(product) and abs(abs(value / product) / factor - 1) < NEAR
