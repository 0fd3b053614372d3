"""New York trading sessions: which days trade, and what the market is doing at a moment.

Built on exchange_calendars' XNYS with fixed bounds, because its default window moves with the clock. That library
brings pandas with it, so it is imported at the first question, not with this module.
"""

import warnings
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from typing import Final, Literal
from zoneinfo import ZoneInfo

MarketState = Literal["closed", "pre", "regular", "post"]

NEW_YORK: Final = ZoneInfo("America/New_York")
FIRST_DAY: Final = date(1970, 1, 1)
LAST_DAY: Final = date(2049, 12, 31)
PRE_OPEN: Final = time(4, 0)
OPEN: Final = time(9, 30)
CLOSE: Final = time(16, 0)
POST_HOURS: Final = 4  # after the close, also after an early one: 20:00, or 17:00 when trading stops at 13:00


def today() -> date:
    """The market's day."""
    return datetime.now(NEW_YORK).date()


class OutsideCalendar(ValueError):
    """The day lies outside of `FIRST_DAY` to `LAST_DAY`."""


@dataclass(frozen=True, slots=True)
class _Calendar:
    days: tuple[date, ...]
    members: frozenset[date]
    special_closes: dict[date, time]


@lru_cache(maxsize=1)
def _calendar() -> _Calendar:
    import exchange_calendars

    with warnings.catch_warnings():  # pandas deprecates what the library still does
        warnings.simplefilter("ignore")
        schedule = exchange_calendars.get_calendar("XNYS", start=FIRST_DAY.isoformat(), end=LAST_DAY.isoformat())
    days = tuple(stamp.date() for stamp in schedule.sessions)
    closes = (stamp.to_pydatetime().astimezone(NEW_YORK).time() for stamp in schedule.closes)
    special = {day: close for day, close in zip(days, closes, strict=True) if close != CLOSE}
    return _Calendar(days, frozenset(days), special)


def _checked(day: date) -> date:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise OutsideCalendar(f"{day} is outside of {FIRST_DAY} to {LAST_DAY}")
    return day


def is_session(day: date) -> bool:
    """Whether the exchange trades on `day`, early closes included. Raises OutsideCalendar."""
    return _checked(day) in _calendar().members


def sessions(start: date, end: date) -> list[date]:
    """The sessions from `start` to `end`, both included, ascending; empty when reversed. Raises OutsideCalendar."""
    days = _calendar().days
    return list(days[bisect_left(days, _checked(start)) : bisect_right(days, _checked(end))])


def previous_session(day: date, *, inclusive: bool = False) -> date:
    """The last session before `day`, or `day` itself when `inclusive` and it is one. Raises OutsideCalendar."""
    days = _calendar().days
    position = (bisect_right if inclusive else bisect_left)(days, _checked(day))
    if position == 0:
        raise OutsideCalendar(f"No session is known before {day}")
    return days[position - 1]


def next_session(day: date, *, inclusive: bool = False) -> date:
    """The first session after `day`, or `day` itself when `inclusive` and it is one. Raises OutsideCalendar."""
    days = _calendar().days
    position = (bisect_left if inclusive else bisect_right)(days, _checked(day))
    if position == len(days):
        raise OutsideCalendar(f"No session is known after {day}")
    return days[position]


def opens_at(session: date) -> datetime:
    """When regular trading opens on a session: an aware New York time."""
    return datetime.combine(session, OPEN, NEW_YORK)


def closes_at(session: date) -> datetime:
    """When regular trading closes on a session, early closes included: an aware New York time."""
    return datetime.combine(session, _calendar().special_closes.get(session, CLOSE), NEW_YORK)


def closes_early(session: date) -> bool:
    """Whether regular trading ends before 16:00 on a session."""
    return session in _calendar().special_closes and closes_at(session).time() < CLOSE


def last_closed_session(now: datetime) -> date:
    """The latest session whose regular close is not after `now` (aware). Raises ValueError for a naive time."""
    today = _local(now).date()
    if is_session(today) and _local(now) >= closes_at(today):
        return today
    return previous_session(today)


def market_state(now: datetime) -> MarketState:
    """What the market is doing at `now` (aware): pre from 04:00, regular, post for four hours, else closed."""
    local = _local(now)
    if not is_session(local.date()):
        return "closed"
    clock, close = local.time(), closes_at(local.date()).time()
    if clock < PRE_OPEN or clock >= close.replace(hour=close.hour + POST_HOURS):
        return "closed"
    if clock < OPEN:
        return "pre"
    return "regular" if clock < close else "post"


def _local(now: datetime) -> datetime:
    if now.tzinfo is None:
        raise ValueError("A moment needs a time zone")
    return now.astimezone(NEW_YORK)
