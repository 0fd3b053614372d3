"""Cursor pagination: pages follow the last row seen, so they stay right while rows are added."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.core import signing
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Model, Q, QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

DEFAULT_LIMIT = 100
MAX_LIMIT = 500
SALT = "longview.pagination"
BAD_CURSOR = "This cursor is not valid here: start again without it."
# What may differ between two pages of one list; every other part of the query makes it another list.
PAGE_PARAMETERS = frozenset({"cursor", "limit", "count"})


@dataclass(frozen=True, slots=True)
class SortKey:
    """One column of an order: a field, annotation or `relation__field` that is never null."""

    path: str
    descending: bool

    @classmethod
    def parse(cls, term: str) -> "SortKey":
        return cls(path=term.removeprefix("-"), descending=term.startswith("-"))

    def beyond(self, value: Any) -> Q:
        return Q(**{f"{self.path}__{'lt' if self.descending else 'gt'}": value})

    def not_before(self, value: Any) -> Q:
        return Q(**{f"{self.path}__{'lte' if self.descending else 'gte'}": value})

    def of(self, row: Model) -> Any:
        """The row's value, as JSON can hold it without losing a digit."""
        value: Any = row
        for name in self.path.split("__"):
            value = getattr(value, name)
        if isinstance(value, Decimal):
            return format(value, "f")
        return value.isoformat() if isinstance(value, date) else value


def total_order(queryset: "QuerySet[Any]") -> tuple[SortKey, ...]:
    """The queryset's order with the primary key as last tie-break. Raises where it has none, or one of expressions."""
    terms = list(queryset.query.order_by or queryset.model._meta.ordering or ())
    if not terms or not all(isinstance(term, str) and term != "?" for term in terms):
        raise ImproperlyConfigured("A paginated queryset needs an order_by() of field names")
    if not {term.removeprefix("-") for term in terms} & {"pk", "id"}:
        terms.append("-pk" if str(terms[0]).startswith("-") else "pk")
    return tuple(SortKey.parse(str(term)) for term in terms)


def after(keys: Sequence[SortKey], values: Sequence[Any]) -> Q:
    """The rows that come after `values` in the order of `keys`.

    The first key's bound stands outside of the OR, where an index can use it.
    """
    condition, equal = Q(), Q()
    for key, value in zip(keys, values, strict=True):
        condition |= equal & key.beyond(value)
        equal &= Q(**{key.path: value})
    return keys[0].not_before(values[0]) & condition


class SignedCursorPagination(BasePagination):
    """`?limit=` (1 to 500) and `?cursor=`: `{"items", "next_cursor", "has_more", "total_count"}`.

    A cursor is signed and holds the last row's sort values. It belongs to one user, path, filter and order; anywhere
    else it is refused with 400. `?count=false` leaves `total_count` out.
    """

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        limit = _limit(request)
        keys = total_order(queryset)
        self.counted = _flag(request, "count")
        seal = _seal(request, keys)
        ordered = queryset.order_by(*(("-" if key.descending else "") + key.path for key in keys))
        token = request.query_params.get("cursor", "")
        if token:
            ordered = ordered.filter(after(keys, _opened(token, seal=seal, length=len(keys))))
        rows = list(ordered[: limit + 1])
        self.has_more = len(rows) > limit
        page = rows[:limit]
        # Who sees all of it has counted it.
        self.total = (queryset.count() if self.has_more or token else len(page)) if self.counted else None
        self.next_cursor = _sealed([key.of(page[-1]) for key in keys], seal=seal) if self.has_more else None
        return page

    def get_paginated_response(self, data: Any) -> Response:
        body = {"items": data, "next_cursor": self.next_cursor, "has_more": self.has_more}
        if self.counted:
            body["total_count"] = self.total
        return Response(body)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The envelope in OpenAPI."""
        return {
            "type": "object",
            "required": ["items", "next_cursor", "has_more"],
            "properties": {
                "items": schema,
                "next_cursor": {
                    "type": ["string", "null"],
                    "description": "`cursor` of the next page.",
                    "example": "eyJhZnRlciI6Wz...",
                },
                "has_more": {"type": "boolean", "example": True},
                "total_count": {
                    "type": "integer",
                    "minimum": 0,
                    "description": "Left out with `count=false`.",
                    "example": 1543,
                },
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """`limit`, `cursor` and `count` in OpenAPI."""
        limit = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
        return [
            _parameter("limit", limit, "Rows on a page."),
            _parameter("cursor", {"type": "string"}, "`next_cursor` of the page before; opaque."),
            _parameter("count", {"type": "boolean", "default": True}, "`false` leaves `total_count` out."),
        ]


def _parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}


def check_parameters(request: Request) -> None:
    """For a list that answers otherwise than in pages: its parameters are refused as elsewhere, and then not used."""
    _limit(request)
    _flag(request, "count")


def _limit(request: Request) -> int:
    given = request.query_params.get("limit", str(DEFAULT_LIMIT))
    if given.isascii() and given.isdigit() and len(given) < 6 and 1 <= int(given) <= MAX_LIMIT:
        return int(given)
    raise ValidationError({"limit": [f"A whole number from 1 to {MAX_LIMIT}."]})


def _flag(request: Request, name: str) -> bool:
    given = request.query_params.get(name, "true").lower()
    if given not in {"true", "false"}:
        raise ValidationError({name: ["true or false."]})
    return given == "true"


def _seal(request: Request, keys: Sequence[SortKey]) -> str:
    """What a cursor is bound to, as a short digest: the user, the list, its filter and its order."""
    query = sorted((name, values) for name, values in request.query_params.lists() if name not in PAGE_PARAMETERS)
    bound = repr((request.user.pk, request.path, query, keys))
    return hashlib.sha256(bound.encode()).hexdigest()[:16]


def _sealed(values: list[Any], *, seal: str) -> str:
    return signing.dumps({"after": values, "seal": seal}, salt=SALT, compress=True)


def _opened(token: str, *, seal: str, length: int) -> list[Any]:
    try:
        content = signing.loads(token, salt=SALT)
    except (signing.BadSignature, ValueError) as error:
        raise ValidationError({"cursor": [BAD_CURSOR]}) from error
    if content["seal"] != seal or len(content["after"]) != length:
        raise ValidationError({"cursor": [BAD_CURSOR]})
    return list(content["after"])
