"""Whether what providers tell goes on from what the store has: one day's price alone shows no jump."""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from history.market.closes import LOOK_BACK, latest_closes
from history.models import SymbolAction
from history.providers.base import DailyPrice, Split
from history.providers.chain import Answer
from history.providers.garbage import believable_after

logger = logging.getLogger(__name__)

LATELY: Final = timedelta(days=LOOK_BACK)  # what was last traded before may have come to be worth anything


def last_known(symbol_ids: Sequence[int], on: date) -> dict[int, tuple[DailyPrice | None, list[Split]]]:
    """The last close of each symbol until a day, and the splits known since it; two queries."""
    closes = latest_closes(symbol_ids=symbol_ids, on=on) if symbol_ids else {}
    splits: dict[int, list[Split]] = defaultdict(list)
    rows = SymbolAction.objects.filter(symbol__in=closes, voided=False, ratio__isnull=False)
    for symbol_id, ex_date, ratio in rows.values_list("symbol_id", "ex_date", "ratio") if closes else ():
        if ex_date > closes[symbol_id][0]:
            splits[symbol_id].append(Split(ex_date, ratio))
    return {pk: (DailyPrice(*closes[pk]) if pk in closes else None, splits[pk]) for pk in symbol_ids}


def continued(answers: Mapping[int, Answer], start: date) -> dict[int, Answer]:
    """The answers for days from `start` on, by symbol id, without what cannot follow the close before; two queries."""
    priced = [pk for pk, answer in answers.items() if answer.prices]
    known = last_known(priced, start - timedelta(days=1))
    return {pk: _continued(answer, *known[pk]) if pk in known else answer for pk, answer in answers.items()}


def _continued(answer: Answer, before: DailyPrice | None, known: Sequence[Split]) -> Answer:
    if before is None or answer.prices[0].day - before.day > LATELY:
        return answer
    told = [split for split in answer.actions.splits if split.ex_date > before.day]
    splits = {split.ex_date: split for split in (*known, *told)}
    kept = tuple(believable_after(before, answer.prices, list(splits.values())))
    if len(kept) < len(answer.prices):
        logger.warning("%s: %s follow no close of %s", answer.source, len(answer.prices) - len(kept), before.day)
    return replace(answer, prices=kept, rejected=answer.rejected + len(answer.prices) - len(kept))
