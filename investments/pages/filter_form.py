"""The filters of a list, as a page shows them: fields, the chips of what is in force, shortcuts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.dateparse import parse_date
from django.utils.formats import date_format

from investments.filters import TransactionFilter
from investments.kinds import transaction_kind
from investments.pages.remembered import RESET
from investments.pages.scope import Scope

TYPES = ("buy", "sell", "cash", "fee", "transfer", "cancel")
SUBTYPES = (
    "buy", "sell", "dividend", "qualified dividend", "dividend reinvestment", "interest", "contribution", "deposit",
    "withdrawal", "transfer", "split", "account fee", "management fee", "tax withheld", "sell short", "buy to cover",
    "assignment", "exercise", "expire", "merger", "spin off",
)  # fmt: skip
FIELDS = (
    ("type", "Type", "select", TYPES),
    ("subtype", "Kind", "select", SUBTYPES),
    ("ticker", "Ticker", "text", ()),
    ("q", "Text", "text", ()),
    ("date_from", "From", "date", ()),
    ("date_to", "To", "date", ()),
    ("min_amount", "Paid at least", "number", ()),
    ("max_amount", "Paid at most", "number", ()),
)
PRESETS = (
    ("Bought", {"type": "buy"}),
    ("Sold", {"type": "sell"}),
    ("Dividends", {"subtype": "dividend"}),
    ("Transfers", {"type": "transfer"}),
    ("Fees", {"type": "fee"}),
)
NAMES = tuple(name for name, *_ in FIELDS)


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    label: str
    kind: str
    value: str
    options: tuple[Option, ...]
    error: str

    @property
    def id(self) -> str:
        return f"filter-{self.name}"


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter in force with the address without it, or a shortcut with the address that sets it."""

    label: str
    url: str
    is_current: bool = False


class FilterForm:
    """What the template needs of a TransactionFilter and the query string that made it."""

    def __init__(self, filters: TransactionFilter, query: QueryDict, scope: Scope) -> None:
        self.query, self.scope = query, scope
        self.errors: Any = filters.form.errors
        self.values = {name: query.get(name, "") for name in NAMES}

    @property
    def fields(self) -> list[Field]:
        return [
            Field(name, label, kind, self._shown(name, kind), _options(choices), " ".join(self.errors.get(name, [])))
            for name, label, kind, choices in FIELDS
            if name != "q"
        ]

    def _shown(self, name: str, kind: str) -> str:
        """Fields for dates and numbers take no other text."""
        return "" if kind in ("date", "number") and name in self.errors else self.values[name]

    @property
    def active(self) -> list[Chip]:
        """The chips of what narrows the list, the account first."""
        chosen = [] if self.scope.is_everything else [Chip(self.scope.label, self._without("account"))]
        return [*chosen, *(Chip(label, self._without(name)) for name, label in self._labels())]

    @property
    def presets(self) -> list[Chip]:
        return [
            Chip(label, self._only(values), all(self.values[name] == value for name, value in values.items()))
            for label, values in PRESETS
        ]

    @property
    def clear_url(self) -> str:
        return self._only({})

    def _labels(self) -> Iterator[tuple[str, str]]:
        for name, label, kind, _ in FIELDS:
            value = self.values[name]
            if value:
                yield name, f"{label}: {_words(kind, value)}"

    def _without(self, name: str) -> str:
        query = self.query.copy()
        query.pop(name, None)
        query.pop("page", None)
        return _address(query)

    def _only(self, values: dict[str, str]) -> str:
        """The scope stays, every other filter goes."""
        query = QueryDict(mutable=True)
        if account := self.query.get("account"):
            query["account"] = account
        query.update(values)
        return _address(query)


def _address(query: QueryDict) -> str:
    """Without any filter it says so: a bare address would lead back to those last used."""
    if not any(query.get(name) for name in NAMES):
        query[RESET] = "1"
    return f"?{query.urlencode()}"


def _options(choices: tuple[str, ...]) -> tuple[Option, ...]:
    return tuple(Option(choice, transaction_kind(choice, "")) for choice in choices)


def _words(kind: str, value: str) -> str:
    if kind == "date" and (day := _day(value)):
        return date_format(day, "j M Y")
    return transaction_kind(value, "") if kind == "select" else value


def _day(value: str) -> Any:
    try:
        return parse_date(value)
    except ValueError:
        return None
