"""PostgreSQL's numeric, as it is sent in binary, to the nearest float: what its own cast says, without its text.

A number is base-10000 digits with a weight. Numbers vary in width, so where each begins is found from what its head
looks like, and believed only when every number ends where the next one begins.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from history.core.book import Bools, Floats, Ints

Words = NDArray[np.uint16]

HEAD: Final = 6  # words: length (2), digits, weight, sign, scale; then the digits
LENGTH: Final = 8  # bytes that the length counts besides the digits
BASE: Final = 10_000
NEGATIVE: Final = 0x4000
SPECIAL: Final = {0xC000: np.nan, 0xD000: np.inf, 0xF000: -np.inf}
USUAL: Final = 10  # weights beyond are found by walking
DIGITS: Final = 4  # as many always fit an int64
EXACT: Final = 2**53  # whole numbers up to here are floats
POWERS: Final = float(BASE) ** np.arange(DIGITS + 2)  # these are exact too, so that one division rounds once


def floats_of(stream: bytes, count: int) -> Floats:
    """`count` numerics, each with its length before it, as the nearest floats.

    Raises OverflowError where one is beyond them.
    """
    size = len(stream) // 2
    words = np.zeros(size + HEAD + DIGITS, np.uint16)
    words[:size] = np.frombuffer(stream, ">u2")
    start = _starts(words, size, count)
    digits = words[start + 2]
    found = np.zeros(count)
    rest = [np.flatnonzero((digits > DIGITS) | (words[start + 4] > NEGATIVE))]
    for many in range(1, DIGITS + 1):
        chosen = np.flatnonzero(digits == many)
        found[chosen], plain = _plainly(words, start[chosen], many)
        rest.append(chosen[~plain])
    for at in np.concatenate(rest).tolist():
        found[at] = _exactly(words[start[at] : start[at] + HEAD + int(digits[at])].tolist())
    return found


def _plainly(words: Words, start: Ints, many: int) -> tuple[Floats, Bools]:
    """Numbers of so many digits, and for which of them that is right: whole number and power have to be floats."""
    whole = words[start + HEAD].astype(np.float64)
    for place in range(1, many):
        whole *= BASE
        whole += words[start + (HEAD + place)]
    power = words[start + 3].view(np.int16) - (many - 1)
    plain = (whole <= EXACT) & (np.abs(power) < POWERS.size)
    power[~plain] = 0
    whole /= POWERS[np.maximum(-power, 0)]
    whole *= POWERS[np.maximum(power, 0)]
    return np.where(words[start + 4] == NEGATIVE, -whole, whole), plain


def _starts(words: Words, size: int, count: int) -> Ints:
    """Where each number begins. What only looks like a head leads to where no number begins."""
    start: Ints = np.flatnonzero((words[:size] == 0) & (words[1 : size + 1] == 2 * words[2 : size + 2] + LENGTH))
    usual = words[start + 3] + np.uint16(USUAL) <= 2 * USUAL
    start = start[usual & (words[start + 4] & ~np.uint16(0xC000) == 0)]
    while not _joined(start, end := start + HEAD + words[start + 2], size, count):
        begins = np.zeros(words.size + 2**16, np.bool_)
        begins[start] = begins[size] = True
        kept = start[begins[end]]
        if kept.size == start.size or kept.size < count:
            return _walked(words, count)
        start = kept
    return start


def _joined(start: Ints, end: Ints, size: int, count: int) -> bool:
    """Whether these are `count` numbers, each beginning where the one before it ends."""
    if start.size != count:
        return False
    return not count or bool(start[0] == 0 and end[-1] == size and np.array_equal(start[1:], end[:-1]))


def _walked(words: Words, count: int) -> Ints:
    """One after the other: slow, and right whatever the numbers are."""
    start, at = [], 0
    for _ in range(count):
        start.append(at)
        at += HEAD + int(words[at + 2])
    return np.array(start, np.int64)


def _exactly(words: list[int]) -> float:
    """One number in whole numbers; Python's division of those rounds once."""
    count, weight, sign = words[2], words[3], words[4]
    if sign in SPECIAL:
        return float(SPECIAL[sign])
    whole = 0
    for digit in words[HEAD:]:
        whole = whole * BASE + digit
    power = (weight ^ 0x8000) - 0x8000 - count + 1
    found = float(whole * BASE**power) if power >= 0 else whole / BASE**-power
    return -found if sign == NEGATIVE else found
