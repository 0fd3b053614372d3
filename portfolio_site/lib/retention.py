"""What is kept for how long. An app lists its rules in `retention.py`; `portfolio_site.retention` applies them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.db import models, transaction

ROWS_AT_ONCE = 5000  # one short transaction each: killed at any moment, the next night goes on


class Applied(Protocol):
    def __call__(self, *, before: datetime, dry_run: bool) -> int: ...


@dataclass(frozen=True, slots=True)
class Rule:
    """What happens to rows of `name` older than `days`: `apply` does it, or only counts, and returns how many rows.

    It is idempotent: applied again at the same moment it finds nothing.
    """

    name: str
    what: str
    days: int
    apply: Applied


def deleting(rows: Callable[[datetime], "models.QuerySet[Any]"]) -> Applied:
    """The rule that deletes what `rows(before)` selects, in batches."""

    def apply(*, before: datetime, dry_run: bool) -> int:
        found = rows(before).order_by()
        return found.count() if dry_run else sum(_batches(found))

    return apply


def _batches(found: "models.QuerySet[Any]") -> Iterator[int]:
    model = found.model._default_manager
    while keys := list(found.values_list("pk", flat=True)[:ROWS_AT_ONCE]):
        with transaction.atomic():
            model.filter(pk__in=keys).delete()
        yield len(keys)
