"""What an owner's lots are made of: rows, holdings, corporate actions, and which securities are one.

Lots are in the currency of their security. What was paid or received in another is converted at its own day's rate;
where nobody knows that, the row's cost or proceeds are not known until somebody does.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from django.db import connection

from investments.core import precision
from investments.core.effects import effect_of
from investments.core.lot import WIDE, LotMethod, Pick
from investments.core.lot_events import Row
from investments.core.lot_history import AccountBook, AccountLots, Held, lot_history
from investments.core.positions import Delisting, Event, Merger, Renaming, SpinOff, Split
from investments.models import CorporateAction, Security
from investments.models.account import TAX_ADVANTAGED_SUBTYPES
from investments.rates import rates_of
from portfolio_site.lib.sessions import today

ZERO, ONE = Decimal(0), Decimal(1)
# What a source without times lists on one day has no order: what opens goes before what closes.
CLOSES: Final = 1 << 48
ROWS_AT_ONCE: Final = 2000

# As `Security.currency` has it.
_CURRENCY: Final = "COALESCE(NULLIF(s.iso_currency_code, ''), NULLIF(s.unofficial_currency_code, ''), 'USD')"
ACCOUNTS: Final = (
    "SELECT id, source, lot_method, subtype FROM investments_account WHERE owner_id = %(owner)s ORDER BY id"
)
GROUPS: Final = """
SELECT security_id, group_id FROM investments_identicalsecurity WHERE owner_id = %(owner)s ORDER BY id
"""
SAME_LOT: Final = "SELECT FROM investments_taxrules WHERE owner_id = %(owner)s AND same_lot"
# Versions are of one owner: named once more, his accounts spare a look through everybody's. What was superseded is
# hashed, not joined: of an account linked this minute the planner knows nothing, and would compare each row with each.
# The ledger as it stands, without cash, cancels and what they cancel. A correction keeps its first version's place.
ROWS: Final = f"""
SELECT t.id,
    CASE WHEN t.version = 1 THEN t.id ELSE (
        SELECT min(f.id) FROM investments_transaction f
        WHERE f.account_id = t.account_id AND f.external_id = t.external_id AND f.source = t.source
    ) END,
    t.account_id, t.security_id, t.date, t.type, t.subtype, t.quantity, t.amount, t.executed_at, t.source,
    CASE WHEN t.currency <> {_CURRENCY} THEN ARRAY[t.currency, {_CURRENCY}] END
FROM investments_transaction t JOIN investments_security s ON s.id = t.security_id
WHERE t.account_id = ANY(%(accounts)s) AND NOT t.is_void AND t.type <> 'cancel'
    AND NOT (s.type = 'cash' AND upper(s.ticker_symbol) LIKE 'CUR:%%')
    AND t.id NOT IN (
        SELECT n.supersedes_id FROM investments_transaction n
        WHERE n.account_id = ANY(%(accounts)s) AND n.supersedes_id IS NOT NULL
    )
"""
CANCELLED: Final = """
SELECT t.id FROM investments_transaction c
JOIN investments_transaction t ON t.account_id = c.account_id AND t.external_id = c.cancels_external_id
WHERE c.account_id = ANY(%(accounts)s) AND c.type = 'cancel' AND NOT c.is_void AND c.cancels_external_id <> ''
    AND NOT EXISTS (SELECT FROM investments_transaction n WHERE n.supersedes_id = c.id)
"""
HOLDINGS: Final = """
SELECT h.account_id, h.security_id, h.quantity, h.cost_basis FROM investments_holding h
JOIN investments_security s ON s.id = h.security_id
WHERE h.account_id = ANY(%(accounts)s) AND h.removed_at IS NULL AND h.quantity <> 0
    AND NOT (s.type = 'cash' AND upper(s.ticker_symbol) LIKE 'CUR:%%')
"""
# Most owners pick nothing: asked apart from the versions below, that costs nothing whatever the planner believes.
PICKS: Final = """
SELECT sale_id, opened_by_id, quantity FROM investments_lotpick WHERE account_id = ANY(%(accounts)s) ORDER BY id
"""
ACTIONS: Final = """
SELECT id, kind, ex_date, security_id, successor_id, ratio, cash_per_unit, unit_value, basis_fraction
FROM investments_corporateaction WHERE security_id = ANY(%s) AND voided_at IS NULL AND ex_date <= %s
ORDER BY ex_date, id
"""
SECURITIES: Final = """
SELECT id, isin, cusip, ticker_symbol, type, iso_currency_code, unofficial_currency_code FROM investments_security
WHERE id = ANY(%s) ORDER BY id
"""
# Picks name a sale and a lot in any version; meant are the current ones.
CURRENT: Final = """
SELECT named.id, t.id FROM investments_transaction named
JOIN investments_transaction t ON (t.account_id, t.source, t.external_id)
    = (named.account_id, named.source, named.external_id)
WHERE named.id = ANY(%(named)s) AND NOT EXISTS (SELECT FROM investments_transaction n WHERE n.supersedes_id = t.id)
"""


_Row = tuple[Any, ...]
_new = tuple.__new__


@dataclass(frozen=True, slots=True)
class Ledger:
    """All that the lots of one owner are made of. `currencies`, `identity` and `alike` are by security.

    `identity`: one paper under several ids. `alike`: that, and what the owner holds to be substantially identical.
    `same_lot`: see `core.washsales.wash`.
    """

    books: Mapping[int, AccountBook]
    rows: list[Row]
    actions: list[Event]
    sheltered: frozenset[int]
    identity: Mapping[int, int]
    alike: Mapping[int, int]
    currencies: Mapping[int, str]
    same_lot: bool


def read_ledger(*, owner_id: int) -> Ledger:
    """The owner's ledger, closed accounts too; ten queries in five messages."""
    accounts, grouped, same_lot = ask({"owner": owner_id}, ACCOUNTS, GROUPS, SAME_LOT)
    own = {"accounts": [account for account, *_ in accounts]}
    holdings, cancels, picked = ask(own, HOLDINGS, CANCELLED, PICKS)
    held: dict[int, dict[int, Held]] = defaultdict(dict)
    for account_id, security_id, quantity, basis in holdings:
        held[account_id][security_id] = Held(quantity, basis)
    rows = _rows(own, {row[0] for row in cancels}, _picks(picked))
    securities = {row.security for row in rows} | {security for of in held.values() for security in of}
    actions, successors = _actions(securities)
    groups = dict(grouped)
    known = list(Security.objects.raw(SECURITIES, [[*securities, *successors, *groups]]))
    same = identity(known)
    actions = [_as_held(action, securities, same) for action in actions]
    return Ledger(
        books={account: _book(source, method, held.get(account, {})) for account, source, method, _ in accounts},
        rows=rows,
        actions=actions,
        sheltered=frozenset(account for account, _, _, subtype in accounts if subtype in TAX_ADVANTAGED_SUBTYPES),
        identity=same,
        alike=alike(same, groups),
        currencies={security.pk: security.currency for security in known},
        same_lot=bool(same_lot),
    )


def lots_of(ledger: Ledger) -> dict[int, AccountLots]:
    """The lots of each of the owner's accounts, by id; no database."""
    return lot_history(rows=ledger.rows, actions=ledger.actions, books=ledger.books, identity=ledger.identity)


def ask(parameters: Mapping[str, Any], *statements: str) -> list[list[tuple[Any, ...]]]:
    """The rows of each statement. All go to PostgreSQL as one message: a message costs as much as a short query."""
    with connection.cursor() as cursor:
        cursor.execute(";".join(statements), parameters)
        answers = [cursor.fetchall()]
        while cursor.nextset():
            answers.append(cursor.fetchall())
    return answers


def _rows(
    parameters: Mapping[str, Any], cancelled: Collection[int], picks: Mapping[int, tuple[Pick, ...]]
) -> list[Row]:
    rows: list[Row] = []
    foreign: dict[int, tuple[str, str]] = {}
    shared: dict[Any, Any] = {}
    share = shared.setdefault  # of a hundred thousand rows, what they have in common is a third
    for number, first, account, security, day, kind, subtype, quantity, amount, at, source, currencies in _streamed(
        ROWS, parameters
    ):
        if number in cancelled:
            continue
        if currencies:
            foreign[len(rows)] = tuple(currencies)
        order = first + CLOSES if source == Security.Source.PLAID and _closes(kind, subtype, quantity) else first
        told = (
            number, order, share(account, account), share(security, security), share(day, day), share(kind, kind),
            share(subtype, subtype), quantity, amount, at, picks.get(number, ()),
        )  # fmt: skip
        rows.append(_new(Row, told))
    _convert(rows, foreign)
    return rows


def _streamed(sql: str, parameters: Mapping[str, Any]) -> Iterator[_Row]:
    """Rows as they come: a large ledger is not held by the driver beside what is made of it."""
    with connection.wrap_database_errors, connection.cursor() as cursor:
        yield from cursor.stream(sql, parameters, size=ROWS_AT_ONCE)


def _convert(rows: list[Row], foreign: Mapping[int, tuple[str, str]]) -> None:
    """Amounts of the rows at these places, from the first currency to the second at their own day's rate."""
    rates = rates_of((*currencies, rows[place].day) for place, currencies in foreign.items())
    for place, currencies in foreign.items():
        row = rows[place]
        rows[place] = row._replace(amount=_converted(row.amount, rates[(*currencies, row.day)]))


def _converted(amount: Decimal, rate: Decimal | None) -> Decimal | None:
    if not amount:
        return amount
    return None if rate is None else WIDE.quantize(WIDE.multiply(amount, rate), precision.MONEY_PLACES)


def _picks(stored: Sequence[_Row]) -> dict[int, tuple[Pick, ...]]:
    """By sale, in the order they were picked."""
    if not stored:
        return {}
    versions: list[Any] = ask({"named": [number for sale, lot, _ in stored for number in (sale, lot)]}, CURRENT)[0]
    current = dict(versions)
    picks: dict[int, tuple[Pick, ...]] = {}
    for sale, lot, quantity in stored:
        if sale in current and lot in current:
            sold = current[sale]
            picks[sold] = (*picks.get(sold, ()), Pick(current[lot], quantity))
    return picks


def _closes(kind: str, subtype: str, quantity: Decimal) -> bool:
    """Whether a row takes away what another may have opened: sales, and purchases that cover a short."""
    return (quantity < 0) != effect_of(kind, subtype or None).short


def _book(source: str, method: str, held: Mapping[int, Held]) -> AccountBook:
    is_told = source in (Security.Source.PLAID, Security.Source.ALPACA)
    return AccountBook(LotMethod(method), held if is_told else None)


def _actions(securities: Collection[int]) -> tuple[list[Event], set[int]]:
    """Corporate actions as events, and the securities they lead to. What is only announced has happened to nobody."""
    rows = list(CorporateAction.objects.raw(ACTIONS, [list(securities), today()]))
    events = [event for row in rows if (event := _event(row)) is not None]
    return events, {row.successor_id for row in rows if row.successor_id}


def _event(row: CorporateAction) -> Event | None:
    """None for what changes no lot, or is not told well enough to."""
    named = (-row.pk, row.ex_date, row.security_id)
    kind = CorporateAction.Kind(row.kind)
    if kind in (CorporateAction.Kind.SPLIT, CorporateAction.Kind.STOCK_DIVIDEND) and row.ratio:
        return Split(*named, row.ratio, row.cash_per_unit if kind is CorporateAction.Kind.SPLIT else None)
    if kind is CorporateAction.Kind.SPIN_OFF and row.successor_id and row.ratio and row.basis_fraction is not None:
        return SpinOff(*named, row.successor_id, row.ratio, ONE - row.basis_fraction)
    if kind is CorporateAction.Kind.MERGER and (row.successor_id or row.cash_per_unit):
        ratio = row.ratio or (ONE if row.successor_id else ZERO)
        return Merger(*named, row.successor_id, ratio, row.cash_per_unit or ZERO, row.unit_value or ZERO)
    if kind is CorporateAction.Kind.SYMBOL_CHANGE and row.successor_id:
        return Renaming(*named, row.successor_id)
    if kind is CorporateAction.Kind.DELISTING:
        return Delisting(*named, row.cash_per_unit or ZERO)
    return None


def _as_held(action: Event, securities: Collection[int], same: Mapping[int, int]) -> Event:
    """The action with its successor by the id that the owner has the paper under: an action names but one of them."""
    successor = action.child if isinstance(action, SpinOff) else getattr(action, "successor", None)
    if successor is None or successor in securities:
        return action
    own = [security for security in sorted(securities) if same[security] == same[successor]]
    if not own:
        return action
    field = "child" if isinstance(action, SpinOff) else "successor"
    return replace(action, **{field: own[0]})  # type: ignore[arg-type]


def identity(securities: Iterable[Security]) -> dict[int, int]:
    """Securities that are one by ISIN, CUSIP, or ticker and type, by the lowest id among them."""
    lowest: dict[tuple[str, ...], int] = {}
    same: dict[int, int] = {}
    for security in securities:
        keys = [key for key in _keys(security) if all(key)]
        one = min((same.get(lowest[key], lowest[key]) for key in keys if key in lowest), default=security.pk)
        for key in keys:
            lowest.setdefault(key, one)
        same[security.pk] = one
    return same


def alike(identity: Mapping[int, int], groups: Mapping[int, int]) -> dict[int, int]:
    """Securities that are one in the eyes of wash sales, by the lowest id among them.

    A group takes in every id of its papers. A paper whose ids are in two groups makes these one.
    """
    lowest = dict(identity)
    for group in sorted(set(groups.values())):
        members = {lowest[security] for security, its in groups.items() if its == group}
        lowest = {security: min(members) if one in members else one for security, one in lowest.items()}
    return lowest


def _keys(security: Security) -> list[tuple[str, ...]]:
    ticker = security.ticker_symbol.upper()
    return [("isin", security.isin), ("cusip", security.cusip), ("ticker", ticker, security.type, security.currency)]
