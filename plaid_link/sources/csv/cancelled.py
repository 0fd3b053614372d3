"""Trades that a file tells, and takes back in another row: neither happened."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from plaid_link.sources.csv.rows import Draft, LeftOut, Line, Refusal

# As brokers write it; a file without any of these is gone through once.
_WORDS: Final = re.compile(r"(?i:cancel|cxl)|[,;\"\t|]Ca(?:[,;\"\t|\s]|$)")
_CENT: Final = Decimal("0.01")
_Trade = tuple[str, str, Decimal, Decimal]


def without_cancelled(text: str, lines: Callable[[], Iterator[Line]]) -> Iterator[Line]:
    """The lines with trades and their cancellations left out; a cancellation of what is not there is refused.

    `lines` reads the file anew at each call. Of equal trades the latest before the cancellation is meant.
    """
    if not _WORDS.search(text):
        return lines()
    cancels = [line for line in lines() if isinstance(line, Draft) and line.cancelled_in]
    if not cancels:
        return lines()
    wanted = {_what(cancel) for cancel in cancels}
    trades = [line for line in lines() if isinstance(line, Draft) and not line.cancelled_in and _what(line) in wanted]
    by_cancel = _paired(cancels, trades)
    by_trade = {trade: cancel for cancel, trade in by_cancel.items()}
    return (_judged(line, by_cancel, by_trade) for line in lines())


def _what(line: Draft) -> _Trade:
    return line.instrument.key if line.instrument else "", line.type, line.quantity, line.amount.quantize(_CENT)


def _paired(cancels: Sequence[Draft], trades: Sequence[Draft]) -> dict[int, int]:
    """The row of the trade by the row that cancels it."""
    waiting: dict[_Trade, list[tuple[date, int]]] = {}
    for trade in sorted(trades, key=lambda line: (line.day, line.row)):
        waiting.setdefault(_what(trade), []).append((trade.day, trade.row))
    found: dict[int, int] = {}
    for cancel in sorted(cancels, key=lambda line: (line.day, line.row)):
        before = [one for one in waiting.get(_what(cancel), ()) if one[0] <= cancel.day]
        if before:
            waiting[_what(cancel)].remove(before[-1])
            found[cancel.row] = before[-1][1]
    return found


def _judged(line: Line, by_cancel: dict[int, int], by_trade: dict[int, int]) -> Line:
    if line.row in by_trade:
        return LeftOut(line.row, f"Taken back by row {by_trade[line.row]}")
    if line.row in by_cancel:
        return LeftOut(line.row, f"Takes back row {by_cancel[line.row]}")
    if isinstance(line, Draft) and line.cancelled_in:
        message = (
            "Takes back a trade that this file does not have. Leave it out, and remove the trade if it is recorded"
        )
        return Refusal(line.row, line.cancelled_in, message)
    return line
