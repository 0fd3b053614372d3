"""Query parameters taken at their word: what is named and left empty, or is no boolean, is refused, not ignored."""

from typing import Any

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
    """Base of serializers that read a query."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, QueryDict):
            empty = {name: [EMPTY] for name, field in self.fields.items() if _is_empty(data, name, field)}
            if empty:
                raise ValidationError(empty)
        return super().to_internal_value(data)


def _is_empty(data: QueryDict, name: str, field: Any) -> bool:
    return "" in data.getlist(name) and not getattr(field, "allow_blank", False)
