"""Query parameters taken at their word: what is named and left empty, or is no boolean, is refused, not ignored."""

from functools import lru_cache
from typing import Any, ClassVar, Self, TypeVar

import django_filters
from django.http import QueryDict
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

EMPTY = "Give a value, or leave it out."
BOOLEANS = frozenset({"true", "false"})


class StrictFilterBackend(DjangoFilterBackend):  # type: ignore[misc]
    """For the API. Pages send all fields of a form, empty ones too, and use the filter sets as they are."""

    def get_filterset(self, request: Request, queryset: Any, view: Any) -> Any:
        filterset = super().get_filterset(request, queryset, view)
        if filterset is not None:
            errors = {name: [wrong] for name, one in filterset.filters.items() if (wrong := _wrong(request, name, one))}
            if errors:
                raise ValidationError(errors)
        return filterset


def _wrong(request: Request, name: str, one: django_filters.Filter) -> str:
    given = request.query_params.getlist(name)
    if isinstance(one, django_filters.BooleanFilter) and set(given) - BOOLEANS:
        return "true or false."
    return "" if isinstance(one, django_filters.CharFilter) or "" not in given else EMPTY


class Query(serializers.Serializer[Any]):
    """Base of serializers that read a query.

    `lasting`: what is read depends on the text alone, not on the day, so that the same text need not be read again.
    Not inherited: whoever adds to a query may ask what day it is.
    """

    lasting: ClassVar[bool] = False

    @classmethod
    def of(cls, request: Request) -> Self:
        """The request's query, validated. Raises ValidationError, answered as 400 with the fields concerned."""
        if vars(cls).get("lasting"):
            # As Django reads it, percent signs and all.
            known: Self = _read(cls, request._request.META.get("QUERY_STRING", "").encode("latin-1"))
            return known
        return _validated(cls(data=request.query_params))

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, QueryDict):
            empty = {name: [EMPTY] for name, field in self.fields.items() if _is_empty(data, name, field)}
            if empty:
                raise ValidationError(empty)
        return super().to_internal_value(data)


Read = TypeVar("Read", bound=Query)


def _validated(query: Read) -> Read:
    query.is_valid(raise_exception=True)
    return query


@lru_cache(maxsize=256)
def _read(query_class: type[Read], text: bytes) -> Read:
    return _validated(query_class(data=QueryDict(text)))


def _is_empty(data: QueryDict, name: str, field: Any) -> bool:
    return "" in data.getlist(name) and not getattr(field, "allow_blank", False)
