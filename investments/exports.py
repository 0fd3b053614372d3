"""What a user may take away as CSV: exactly the rows that a list shows, in its order, whatever their number."""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import CharField, F, Func, QuerySet
from django.db.models.functions import Cast

from portfolio_site.lib import rls
from portfolio_site.lib.csv_text import csv_chunks
from portfolio_site.lib.pagination import total_order

FETCHED_AT_ONCE = 2000
# A client that reads no more must not hold a connection for good.
PATIENCE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Column:
    """`path` leads from the row to the value; `text` makes the cell of it, None where it is unknown or not told."""

    name: str
    path: str
    text: Callable[[Any], str] = str


def _plain(value: str) -> str:
    return value


def _money(value: str) -> str:
    """As `lib.money.exact`, of digits that the database has trimmed already."""
    whole, _, fraction = value.partition(".")
    return f"{whole}.{fraction.ljust(2, '0')}"


def _number(name: str, path: str | None = None) -> Column:
    return Column(name, f"{path or name}__digits", _plain)


def _amount(name: str, path: str | None = None) -> Column:
    return Column(name, f"{path or name}__digits", _money)


TRANSACTIONS = (
    Column("id", "pk"),
    Column("date", "date", lambda day: day.isoformat()),
    Column("settles_on", "settles_on", lambda day: day.isoformat()),
    Column("institution", "account__institution__name", _plain),
    Column("account_id", "account_id"),
    Column("account", "account__name", _plain),
    Column("type", "type", _plain),
    Column("subtype", "subtype", _plain),
    Column("ticker", "security__ticker_symbol", _plain),
    Column("security", "security__name", _plain),
    _number("quantity"),
    _number("price"),
    _amount("amount"),
    _amount("fees"),
    Column("currency", "currency", _plain),
    Column("description", "name", _plain),
    Column("source", "source", _plain),
    Column("version", "version"),
)
HOLDINGS = (
    Column("institution", "account__institution__name", _plain),
    Column("account_id", "account_id"),
    Column("account", "account__name", _plain),
    Column("ticker", "security__ticker_symbol", _plain),
    Column("security", "security__name", _plain),
    Column("type", "security__type", _plain),
    _number("quantity"),
    _number("price", "market_price"),
    Column("priced_on", "priced_on", lambda day: day.isoformat()),
    _amount("value", "market_value"),
    _amount("cost_basis"),
    _amount("day_change"),
    Column("currency", "account__currency", _plain),
    Column("source", "data_source", _plain),
)
LOTS = (
    Column("institution", "account__institution__name", _plain),
    Column("account_id", "account_id"),
    Column("account", "account__name", _plain),
    Column("ticker", "security__ticker_symbol", _plain),
    Column("security", "security__name", _plain),
    Column("opened_by", "opened_by_id"),
    Column("opened", "opened", lambda day: day.isoformat()),
    Column("entered", "entered", lambda day: day.isoformat()),
    _number("quantity"),
    _amount("cost"),
    _amount("wash_sale_added", "added"),
    Column("currency", "currency", _plain),
)


def export(queryset: "QuerySet[Any]", columns: Sequence[Column], *, user_id: int) -> Generator[bytes, None, None]:
    """The queryset's rows in its own total order as CSV, in constant memory, read in a transaction of the user's own.

    All of it is one state of the ledger, however long it takes. Begins to ask with the first chunk.
    """
    ordered = queryset.order_by(*(("-" if key.descending else "") + key.path for key in total_order(queryset)))
    return csv_chunks([column.name for column in columns], _rows(ordered, columns, user_id))


def _rows(queryset: "QuerySet[Any]", columns: Sequence[Column], user_id: int) -> Iterator[list[str]]:
    digits = {
        column.path: Cast(Func(F(column.path.removesuffix("__digits")), function="trim_scale"), CharField())
        for column in columns
        if column.path.endswith("__digits")
    }
    names = {path: f"digits_{number}" for number, path in enumerate(digits)}
    query = queryset.select_related(None).annotate(**{names[path]: term for path, term in digits.items()})
    values = query.values_list(*(names.get(column.path, column.path) for column in columns))
    compiler = values.query.get_compiler(connection=connection)
    texts = [column.text for column in columns]
    with rls.tenant(user_id):
        _be_patient()
        for row in compiler.results_iter(chunked_fetch=True, chunk_size=FETCHED_AT_ONCE):
            yield ["" if value is None else text(value) for value, text in zip(row, texts, strict=False)]


def _be_patient() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('idle_in_transaction_session_timeout', %s, true)", [f"{PATIENCE_SECONDS}s"])
