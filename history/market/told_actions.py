"""Splits and dividends as providers tell them, kept by symbol: what is told twice is stored once."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from django.db import connection

from history.core.actions import is_plain_split
from history.models import SymbolAction
from history.providers.base import Actions
from investments.core import precision

Kind = SymbolAction.Kind
OPERATOR: Final = "operator"
FORGET: Final = """
UPDATE history_marketsymbol s SET priced_to = told.since - 1
FROM unnest(%s::int[], %s::date[]) AS told(symbol_id, since)
WHERE s.id = told.symbol_id AND s.priced_to >= told.since AND s.priced_from < told.since
    AND NOT EXISTS (SELECT FROM history_price p WHERE p.symbol_id = s.id AND p.day >= told.since)
"""
_FIGURES: Final = ("ratio", "cash_per_unit")


def actions_as_told(symbol_id: int, actions: Actions, source: str) -> list[SymbolAction]:
    """A provider's splits and dividends as unsaved rows; a split of an odd ratio becomes a spin-off to be looked at.

    Figures that nobody can mean are left out.
    """
    splits = [split for split in actions.splits if _can_be(split.ratio)]
    dividends = [dividend for dividend in actions.dividends if _can_be(dividend.amount)]
    return [
        SymbolAction(
            symbol_id=symbol_id,
            kind=Kind.SPLIT if is_plain_split(split.ratio) else Kind.SPIN_OFF,
            ex_date=split.ex_date,
            ratio=precision.quantity(split.ratio),
            source=source,
        )
        for split in splits
    ] + [
        SymbolAction(
            symbol_id=symbol_id,
            kind=Kind.CASH_DIVIDEND,
            ex_date=dividend.ex_date,
            cash_per_unit=precision.quantity(dividend.amount),
            source=source,
        )
        for dividend in dividends
    ]


def _can_be(figure: Decimal) -> bool:
    try:
        return precision.quantity(figure) > 0
    except precision.DoesNotFit:
        return False


def store_actions(actions: Iterable[SymbolAction]) -> list[SymbolAction]:
    """Insert actions or bring them up to date, (symbol, kind, ex-date) is their identity; returns those that differed.

    What an operator entered stays as it is. Of two that are told for one day the last counts.
    """
    told = {_identity(action): action for action in actions}
    known = _known(list(told.values()))
    stale = [action for identity, action in sorted(told.items()) if _differs(known.get(identity), action)]
    SymbolAction.objects.bulk_create(
        stale,
        update_conflicts=True,
        unique_fields=["symbol", "kind", "ex_date"],
        update_fields=[*_FIGURES, "source"],
    )
    splits = [action for action in stale if action.kind == Kind.SPLIT]
    ask_again(symbol_ids=[split.symbol_id for split in splits], since=[split.ex_date for split in splits])
    return stale


def ask_again(*, symbol_ids: Sequence[int], since: Sequence[date]) -> None:
    """Forget that prices from each symbol's day on were asked for, where none was kept: a split may say now why they
    are ten times what they were before it.
    """
    if symbol_ids:
        with connection.cursor() as cursor:
            cursor.execute(FORGET, [list(symbol_ids), list(since)])


def _identity(action: SymbolAction) -> tuple[int, str, date]:
    return action.symbol_id, action.kind, action.ex_date


def _known(told: Sequence[SymbolAction]) -> dict[tuple[int, str, date], SymbolAction]:
    rows = SymbolAction.objects.filter(symbol__in={action.symbol_id for action in told}) if told else ()
    return {_identity(row): row for row in rows}


def _differs(known: SymbolAction | None, told: SymbolAction) -> bool:
    if known is None:
        return True
    if known.source == OPERATOR and told.source != OPERATOR:
        return False
    return any(getattr(known, name) != getattr(told, name) for name in _FIGURES)
