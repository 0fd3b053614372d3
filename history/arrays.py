"""Rows in and out of PostgreSQL as numpy arrays, by binary COPY: no Python object per row.

Read: each column is aggregated into arrays, because COPY hands out a message per row. Written: a stream of
fixed-width columns is an array of records as it stands. NULL has no width, so queries that are read COALESCE it to NaN,
and rows that are written with one make a block of their own.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from history.core.numerics import floats_of

Column = NDArray[Any]

HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER: Final = b"\xff\xff"
ARRAY_HEAD: Final = 20  # dimensions, flags, type, length, lower bound
DAY_ZERO: Final = np.datetime64("2000-01-01", "D")  # PostgreSQL's
TYPES: Final = {"bool": "?", "int2": ">i2", "int4": ">i4", "int8": ">i8", "float8": ">f8", "date": ">i4"}

BASE: Final = 10_000
NEGATIVE: Final = 0x4000
CHUNK: Final = 8192  # rows: they stay near the processor, and PostgreSQL takes some while the next are made
WAITING: Final = 1 << 22  # bytes read and not yet decoded
LARGEST: Final = 9e14  # times BASE still fits an int64


class NullRead(ValueError):
    """A query whose columns must all be there returned a NULL."""


def read_columns(
    sql: str, parameters: Mapping[str, Any], types: Mapping[str, str], *, by: str = ""
) -> dict[str, Column]:
    """The query's columns by name, in native byte order; `types` names each one's type in the query's order.

    Dates come as datetime64[D], `numeric` as the nearest float. With `by`, the name of one int8 column, rows that are
    alike in it come together: it is sent once for all of them, and what is worked on at a time stays small. Raises
    NullRead.
    """
    arrays = ", ".join(f'"{name}"' if name == by else f'array_agg("{name}")' for name in types)
    names = ", ".join(f'"{name}"' for name in types)
    grouped = f'GROUP BY "{by}"' if by else ""
    return _read(f"SELECT {arrays} FROM ({sql}) found({names}) {grouped}", parameters, _Reader(types, by))


def read_together(
    queries: Sequence[tuple[str, Mapping[str, str]]], parameters: Mapping[str, Any]
) -> list[dict[str, Column]]:
    """`read_columns` of several queries as of one moment: they are one statement."""
    rows, all_types = [], {}
    for place, (sql, types) in enumerate(queries):
        arrays, names = (", ".join(form.format(name) for name in types) for form in ('array_agg("{}")', '"{}"'))
        rows.append(f"(SELECT {arrays} FROM ({sql}) found({names})) q{place}")
        all_types.update({f"{place}:{name}": kind for name, kind in types.items()})
    found = _read(f"SELECT * FROM {', '.join(rows)}", parameters, _Reader(all_types, ""))
    return [{name: found[f"{place}:{name}"] for name in types} for place, (_, types) in enumerate(queries)]


def _read(sql: str, parameters: Mapping[str, Any], reader: "_Reader") -> dict[str, Column]:
    with connection.wrap_database_errors, connection.cursor() as cursor:
        # COPY takes no parameters of its own.
        query = cursor.mogrify(sql, parameters)
        with cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT BINARY)") as copy:
            for message in copy:
                reader.take(memoryview(message))
    return reader.columns()


class _Reader:
    """Rows of arrays, as they come: decoded and let go of as soon as they are many."""

    def __init__(self, types: Mapping[str, str], by: str) -> None:
        self.types, self.by = types, by
        self.fields: dict[str, list[memoryview]] = {name: [] for name in types}
        self.done: dict[str, list[Column]] = {name: [] for name in types}
        self.waiting, self.begun = 0, False

    def take(self, message: memoryview) -> None:
        """One message, which is one row; the header comes with the first."""
        row = message if self.begun else message[len(HEADER) :]
        self.begun = True
        if row[:2] == TRAILER:
            return
        at = 2
        for fields in self.fields.values():
            length = max(int.from_bytes(row[at : at + 4], signed=True), 0)
            fields.append(row[at + 4 : at + 4 + length])
            at += 4 + length
        self.waiting += at
        if self.waiting > WAITING:
            self._decode()

    def columns(self) -> dict[str, Column]:
        self._decode()
        return {name: parts[0] if len(parts) == 1 else np.concatenate(parts) for name, parts in self.done.items()}

    def _decode(self) -> None:
        counts = [0]
        for name, fields in self.fields.items():
            if name != self.by:
                counts = [int.from_bytes(field[12:16]) for field in fields]
                self.done[name].append(_array(fields, sum(counts), self.types[name]))
        if self.by:
            keys = np.frombuffer(b"".join(self.fields[self.by]), TYPES[self.types[self.by]])
            self.done[self.by].append(np.repeat(_native(keys, self.types[self.by]), counts))
        self.fields = {name: [] for name in self.types}
        self.waiting = 0


def _array(fields: Sequence[memoryview], count: int, kind: str) -> Column:
    """Arrays in PostgreSQL's binary format: a head (with a flag for NULLs), then each element's length and value."""
    if any(int.from_bytes(field[4:8]) for field in fields):
        raise NullRead(kind)
    elements = b"".join([field[ARRAY_HEAD:] for field in fields])
    if kind == "numeric":
        return floats_of(elements, count)
    return _native(np.frombuffer(elements, np.dtype([("length", ">i4"), ("value", TYPES[kind])]))["value"], kind)


def _native(values: Column, kind: str) -> Column:
    if kind == "date":
        return DAY_ZERO + values.astype("m8[D]")
    return values.astype(values.dtype.newbyteorder("="))


def write_columns(table: str, columns: Mapping[str, tuple[str, Column]]) -> int:
    """COPY equally long columns, {name: (type, values)}, into a table; returns the number of rows.

    Type `money` takes floats for a numeric(20, 4), rounded to its places, NaN for NULL; `date` takes datetime64.
    Raises OverflowError for money that does not fit.
    """
    for kind, values in columns.values():
        if kind == "money" and np.nanmax(np.abs(values), initial=0.0) >= LARGEST:
            raise OverflowError("an amount has more than 14 digits before the point")
    rows = len(next(iter(columns.values()))[1])
    names = ", ".join(f'"{name}"' for name in columns)
    into = f'COPY "{table}" ({names}) FROM STDIN (FORMAT BINARY)'
    # Django translates the errors of statements, not those of a COPY.
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(into) as copy:
        copy.write(HEADER)
        for first in range(0, rows, CHUNK):
            chunk = slice(first, first + CHUNK)
            for block in _blocks({name: (kind, values[chunk]) for name, (kind, values) in columns.items()}):
                copy.write(block)
        copy.write(TRAILER)
    return rows


def _encoded(kind: str, values: Column) -> Column:
    if kind == "money":
        return _money(values)
    if kind == "date":
        values = (values - DAY_ZERO).astype(np.int64)
    return values.astype(TYPES[kind])


def _money(values: Column) -> Column:
    """As many digits as the largest of them needs."""
    scaled = np.rint(np.nan_to_num(values) * BASE).astype(np.int64)
    rest, many = np.abs(scaled), 1
    while int(rest.max(initial=0)) >= BASE**many:
        many += 1
    encoded = np.empty(values.shape, _money_type(many))
    encoded["count"], encoded["weight"], encoded["scale"] = many, many - 2, 4
    encoded["sign"] = np.where(scaled < 0, NEGATIVE, 0)
    for place in range(many - 1, 0, -1):
        above = rest // BASE
        encoded["digits"][:, place] = rest - above * BASE
        rest = above
    encoded["digits"][:, 0] = rest
    return encoded


def _money_type(digits: int) -> "np.dtype[Any]":
    """A numeric(20, 4) in so many base-10000 digits, the last of which comes after the point."""
    head = [("count", ">i2"), ("weight", ">i2"), ("sign", ">u2"), ("scale", ">i2")]
    return np.dtype([*head, ("digits", ">i2", (digits,))])


def _blocks(columns: Mapping[str, tuple[str, Column]]) -> Iterator[memoryview]:
    """Rows with the same columns NULL share a layout."""
    encoded = {name: _encoded(kind, values) for name, (kind, values) in columns.items()}
    missing = {name: np.isnan(values) for name, (kind, values) in columns.items() if kind == "money"}
    pattern = np.zeros(len(next(iter(encoded.values()))), np.int64)
    for place, name in enumerate(missing):
        pattern |= missing[name].astype(np.int64) << place
    for code in np.unique(pattern).tolist():
        null = {name for place, name in enumerate(missing) if code >> place & 1}
        chosen = slice(None) if code == 0 and not pattern.any() else pattern == code
        yield _block({name: values[chosen] for name, values in encoded.items()}, null)


def _block(encoded: Mapping[str, Column], null: set[str]) -> memoryview:
    layout = _layout({name: values.dtype for name, values in encoded.items()}, null)
    records = np.empty(len(next(iter(encoded.values()))), layout)
    records["columns"] = len(encoded)
    for name, values in encoded.items():
        records[f"{name}:"] = -1 if name in null else values.dtype.itemsize
        if name not in null:
            records[name] = values
    return records.view(np.uint8).data


def _layout(types: Mapping[str, "np.dtype[Any]"], null: set[str] | frozenset[str] = frozenset()) -> "np.dtype[Any]":
    """One row of COPY's binary format: the number of columns, then each one's length and value."""
    fields: list[tuple[str, Any]] = [("columns", ">i2")]
    for name, its_type in types.items():
        fields.append((f"{name}:", ">i4"))
        if name not in null:
            fields.append((name, its_type))
    return np.dtype(fields)
