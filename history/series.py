"""History as it is read: columns over days, totalled over accounts.

Nothing here makes model instances: rows come as arrays and leave as columns, which the API hands on as they are. Money
is text with the currency's minor units, in the user's base currency; ratios are numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import orjson
from django.conf import settings
from django.db import connection
from numpy.typing import NDArray

from history.arrays import read_columns
from history.core.totals import SUMMED, UNIT, UNKNOWN, Grid, Totals, grid_of, totals_of
from history.market.fx import rate_sql
from history.models import AccountDay
from portfolio_site.lib import rls
from portfolio_site.lib.money import minor_unit
from portfolio_site.lib.sessions import previous_session

PERIODS = ("1D", "1W", "1M", "3M", "6M", "YTD", "1Y", "2Y", "ALL")
PERIOD_DAYS = {"1W": 7, "1M": 30, "3M": 91, "6M": 182, "1Y": 365, "2Y": settings.HISTORY_DAYS}
EARLIEST = date(1900, 1, 1)

ROWS = """
SELECT account_id, day, (value * 10000)::bigint, (cash * 10000)::bigint,
    COALESCE((cost_basis * 10000)::bigint, %(unknown)s), (net_flow * 10000)::bigint, (income * 10000)::bigint,
    (fees * 10000)::bigint, quality, snapshot_type
FROM history_accountday WHERE account_id = ANY(%(accounts)s) AND day BETWEEN %(start)s AND %(end)s
"""
ROW_COLUMNS = {
    "account": "int8", "day": "date", **dict.fromkeys(SUMMED, "int8"), "quality": "float8", "snapshot_type": "int2",
}  # fmt: skip
# What `Kept` says, by id (history.0019). Of a user's accounts, or of those named.
OWN = "SELECT * FROM history_kept(%s, NULL)"
NAMED = "SELECT * FROM history_kept(NULL, %s)"
SNAPSHOT_NAMES = {kind.value: kind.label for kind in AccountDay.SnapshotType}
COLUMNS = ("dates", *SUMMED, "gain", "twrr", "quality", "snapshot_type")
ZERO = Decimal(0)

RATES = f"""
SELECT c.currency, {rate_sql(source="c.currency", target="%(base)s::text", day="d.day")}
FROM unnest(%(currencies)s::text[]) c(currency)
CROSS JOIN generate_series(%(first)s::date, %(last)s::date, interval '1 day') d(day) ORDER BY c.currency, d.day
"""

ACCOUNT_VALUES = f"""
WITH kept AS MATERIALIZED (
    SELECT d.account_id, d.day, d.value, a.currency
    FROM history_accountday d JOIN investments_account a ON a.id = d.account_id
    WHERE d.account_id = ANY(%(accounts)s) AND d.day BETWEEN %(start)s AND %(end)s
), columns AS (
    SELECT account_id, json_build_object(
        'dates', json_agg(day ORDER BY day),
        'value', json_agg(round(
            value * {rate_sql(source="kept.currency", target="%(base)s", day="kept.day")}, %(places)s
        )::text ORDER BY day)
    ) AS series
    FROM kept GROUP BY account_id
)
SELECT COALESCE(json_object_agg(account_id, series), '{{}}')::text FROM columns
"""


class UnknownPeriod(ValueError):
    """A period that does not exist, or a range that ends before it starts."""


@dataclass(frozen=True, slots=True)
class Period:
    """Calendar days from `start` to `end`, both included."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.start > self.end:
            raise UnknownPeriod(f"The period ends ({self.end}) before it starts ({self.start})")


def period_of(name: str, *, today: date) -> Period:
    """The Period behind a range button: its first day is the one whose close the change is measured from.

    A day's change on a weekend is still that of the last session.
    """
    if name == "ALL":
        return Period(EARLIEST, today)
    if name == "YTD":
        return Period(date(today.year - 1, 12, 31), today)
    if name == "1D":
        return Period(previous_session(previous_session(today, inclusive=True)), today)
    if name not in PERIOD_DAYS:
        raise UnknownPeriod(f"period must be one of {', '.join(PERIODS)}")
    return Period(today - timedelta(days=PERIOD_DAYS[name]), today)


@dataclass(frozen=True, slots=True)
class Kept:
    """What an account is kept in, and what tells its days apart from those of any other time.

    `unconverted`: currencies of holdings that nobody converts; `days_version` is raised with every rebuild and appended
    day of the account, `snapshots` with every shard of any nightly snapshot that writes.
    """

    account_id: int
    currency: str
    is_open: bool
    unconverted: list[str]
    source: str
    days_version: int
    snapshots: int


def accounts_of(*, user_id: int) -> list[Kept]:
    """All accounts of the user, closed ones too, by id; one query, whether in a transaction of the user's or not."""
    return [Kept(*row) for row in rls.ask(user_id, OWN, [user_id])]


def _named(account_ids: Sequence[int]) -> list[Kept]:
    with connection.cursor() as cursor:
        cursor.execute(NAMED, [list(account_ids)])
        return [Kept(*row) for row in cursor.fetchall()]


def state_of(accounts: Sequence[Kept], *, base_currency: str) -> str | None:
    """A text that changes whenever the accounts' days do; None where rates count, which have no version."""
    if any(account.currency != base_currency for account in accounts):
        return None
    return repr([base_currency, *accounts])


def totals(
    *, account_ids: Sequence[int], period: Period, base_currency: str = "USD", accounts: Sequence[Kept] = ()
) -> dict[str, Any]:
    """The accounts' total per day as equally long columns, ready to be sent as JSON; parameters as of `summed`.

    `dates`; `value`, `cash`, `cost_basis` (null where any part is unknown), `net_flow`, `income`, `fees`, `gain` (value
    less the first value less flows since) as text; `twrr` (index, 1 on the first day), `quality` (0..1) as numbers;
    `snapshot_type`; `currency`; `missing_rates`: currencies of accounts without a rate on some day, whose value is null
    then, and of holdings without one now, which count as nothing; quality is less by them.
    """
    found = summed(account_ids=account_ids, period=period, base_currency=base_currency, accounts=accounts)
    if found is None:
        return {"currency": base_currency, **{name: [] for name in (*COLUMNS, "missing_rates")}}
    return _written(found.line, found.first, base_currency) | {"missing_rates": sorted(found.missing_rates)}


@dataclass(frozen=True, slots=True)
class Summed:
    """Accounts' days before they are written: `line` is their total, `grid` the accounts by place, bridged.

    `present` (A, D) is where an account really had a row. `first` is day 0; `rates` (D) are of every currency that is
    not the base.
    """

    account_ids: tuple[int, ...]
    currencies: tuple[str, ...]
    first: np.datetime64
    grid: Grid
    present: NDArray[np.bool_]
    rates: dict[str, list[Decimal | None]]
    line: Totals
    missing_rates: frozenset[str]


def summed(
    *, account_ids: Sequence[int], period: Period, base_currency: str = "USD", accounts: Sequence[Kept] = ()
) -> Summed | None:
    """The accounts' days as numbers, and their total; None where there is no day. Two queries, one more for rates.

    `accounts`: what is known of them already, in the order of their ids; else it is read.
    """
    rows = account_days(account_ids=account_ids, period=period)
    if not rows["day"].size:
        return None
    place, day = rows.pop("account"), rows.pop("day")
    ids = np.unique(place)
    with_days = set(ids.tolist())
    kept = [one for one in accounts or _named(ids.tolist()) if one.account_id in with_days]
    currencies, is_open = tuple(one.currency for one in kept), [one.is_open for one in kept]
    first, last = day.min(), day.max()
    grid = grid_of(
        place=np.searchsorted(ids, place),
        day=(day - first).astype(np.int64),
        shape=(ids.size, int((last - first).astype(np.int64)) + 1),
        columns=rows,
    )
    foreign = sorted(set(currencies) - {base_currency})
    rates = _rates(foreign, base_currency, first, last) if foreign else {}
    present = grid.present.copy()
    line = totals_of(grid=grid, currency=currencies, is_open=np.array(is_open), rates=rates)
    missing = {one for one in foreign if any(rates[one][at] is None for at in _days_of(one, currencies, grid))}
    missing = missing.union(*(one.unconverted for one in kept))
    return Summed(tuple(ids.tolist()), currencies, first, grid, present, rates, line, frozenset(missing))


def account_days(*, account_ids: Sequence[int], period: Period) -> dict[str, NDArray[Any]]:
    """The rows of a chart by column, money in ten-thousandths; in no order."""
    parameters = {"accounts": list(account_ids), "start": period.start, "end": period.end, "unknown": UNKNOWN}
    return read_columns(ROWS, parameters, ROW_COLUMNS)


def _rates(currencies: list[str], base: str, first: Any, last: Any) -> dict[str, list[Decimal | None]]:
    """Of every day; None where nobody knows one."""
    found: dict[str, list[Decimal | None]] = {currency: [] for currency in currencies}
    with connection.cursor() as cursor:
        cursor.execute(RATES, {"currencies": currencies, "base": base, "first": str(first), "last": str(last)})
        for currency, rate in cursor.fetchall():
            found[currency].append(rate)
    return found


def _days_of(currency: str, currencies: Sequence[str], grid: Grid) -> list[int]:
    """On which any account of the currency is there."""
    own = [at for at, its in enumerate(currencies) if its == currency]
    days: list[int] = np.flatnonzero(grid.present[own].any(axis=0)).tolist()
    return days


def _written(line: Totals, first: Any, currency: str) -> dict[str, Any]:
    places = -int(minor_unit(currency).as_tuple().exponent)
    return {
        "currency": currency,
        "dates": np.datetime_as_string(first + line.days.astype("m8[D]")).tolist(),
        **{name: _texts(getattr(line, name), places) for name in (*SUMMED, "gain")},
        "twrr": np.round(line.twrr, 8).tolist(),
        "quality": np.round(line.quality, 4).tolist(),
        "snapshot_type": [SNAPSHOT_NAMES[kind] for kind in line.snapshot_type.tolist()],
    }


def _texts(amounts: NDArray[Any], places: int) -> list[str | None]:
    """Money as text, rounded half away from zero. One format of a whole column: a chart has thousands."""
    if amounts.dtype == object:
        return [None if amount is None else _text(Decimal(amount) / UNIT, places) for amount in amounts.tolist()]
    size, most = np.abs(amounts), 10**places
    minor = (size + UNIT // most // 2) // (UNIT // most)
    if not minor.any():
        return [_text(ZERO, places)] * minor.size
    parts = np.stack(np.divmod(minor, most), axis=1).ravel().tolist() if places else minor.tolist()
    one = f"%d.%0{places}d " if places else "%d "
    texts: list[str | None] = ((one * minor.size) % tuple(parts)).split()  # type: ignore[assignment]
    for at in np.flatnonzero((amounts < 0) & (minor > 0)).tolist():
        texts[at] = f"-{texts[at]}"
    return texts


def _text(amount: Decimal, places: int) -> str:
    return format(amount.quantize(ZERO.scaleb(-places), ROUND_HALF_UP) + ZERO, "f")


def account_values(*, account_ids: Sequence[int], period: Period, base_currency: str = "USD") -> dict[int, Any]:
    """Per account id `{"dates": [...], "value": [...]}`, value as text in the base currency."""
    parameters = {
        "accounts": list(account_ids), "start": period.start, "end": period.end, "base": base_currency,
        "places": -int(minor_unit(base_currency).as_tuple().exponent),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(ACCOUNT_VALUES, parameters)
        found: dict[str, Any] = orjson.loads(cursor.fetchone()[0])
    return {int(account_id): series for account_id, series in found.items()}
