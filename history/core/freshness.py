"""How fresh a price is, in the words that pages and API share: live, delayed, the close of a day, or old."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal

from portfolio_site.lib.sessions import (
    NEW_YORK,
    PRE_OPEN,
    MarketState,
    closes_at,
    is_session,
    last_closed_session,
    market_state,
    next_session,
    previous_session,
)

State = Literal["live", "delayed", "close", "stale", "unpriced"]

# While the market trades a price is asked for every half minute; twice missed, it is no longer live.
LIVE_FOR: Final = timedelta(seconds=90)
# What has not traded for so long may be halted: it says when it last did.
QUIET_AFTER: Final = timedelta(minutes=15)
# The closing auction prints a second or so after the bell: that is the close, and no trade after hours.
CLOSING_PRINT: Final = timedelta(minutes=1)
# Often enough for what a session moves; outside of one nothing moves.
POLL_SECONDS: Final[dict[MarketState, int]] = {"regular": 30, "pre": 300, "post": 300, "closed": 3600}


@dataclass(frozen=True, slots=True)
class Freshness:
    """`text` is empty where nothing has a price."""

    state: State
    text: str


UNPRICED: Final = Freshness("unpriced", "")


@dataclass(frozen=True, slots=True)
class QuoteAge:
    """When a price was made, and when the provider was last asked for it; both aware."""

    at: datetime
    asked_at: datetime
    delay_minutes: int = 0
    round_the_clock: bool = False


def quote_freshness(quote: QuoteAge, now: datetime) -> Freshness:
    """Of one quote. Times are told in New York's, as ET."""
    if quote.round_the_clock or not _is_the_close(quote, now):
        return _running(quote, now)
    day = quote.at.astimezone(NEW_YORK).date()
    return close_freshness(previous_session(day, inclusive=True), now)


def close_freshness(session: date, now: datetime) -> Freshness:
    """Of the close of a session, stale where there has been a later one."""
    state: State = "close" if session >= last_closed_session(now) else "stale"
    return Freshness(state, f"As of close {day_text(session)}")


def priced_freshness(priced_on: date | None, now: datetime) -> Freshness:
    """Of figures of which only the day is known. A day without a session has the close of the one before."""
    if priced_on is None:
        return UNPRICED
    if trades_today(priced_on, now):
        return Freshness("close", "As of today")
    return close_freshness(min(previous_session(priced_on, inclusive=True), last_closed_session(now)), now)


def trades_today(day: date, now: datetime) -> bool:
    """Whether the regular session of `day` is under way."""
    return market_state(now) == "regular" and day >= now.astimezone(NEW_YORK).date()


def session_of(at: datetime) -> MarketState:
    """The session that a price was made in; the closing print is of the regular one."""
    state, day = market_state(at), at.astimezone(NEW_YORK).date()
    return "regular" if state == "post" and at <= closes_at(day) + CLOSING_PRINT else state


def poll_seconds(now: datetime, *, round_the_clock: bool = False) -> int:
    """When it is worth asking for a price again; never past the next time that trading begins."""
    state = market_state(now)
    if round_the_clock:
        return POLL_SECONDS["regular"]
    if state != "closed":
        return POLL_SECONDS[state]
    return min(POLL_SECONDS["closed"], max(1, int((_trading_begins(now) - now).total_seconds())))


def day_text(day: date) -> str:
    """20 Nov."""
    return f"{day.day} {day:%b}"


def _is_the_close(quote: QuoteAge, now: datetime) -> bool:
    """Whether the market has closed on this price: of an earlier session, or of one whose last trade is told by now."""
    day, local = quote.at.astimezone(NEW_YORK).date(), now.astimezone(NEW_YORK)
    if day < local.date() or not is_session(day):
        return True
    if market_state(now) == "closed":
        return True
    close = closes_at(day)
    delay = timedelta(minutes=quote.delay_minutes)
    return quote.at <= close + CLOSING_PRINT and now > close + CLOSING_PRINT + delay


def _running(quote: QuoteAge, now: datetime) -> Freshness:
    clock = quote.at.astimezone(NEW_YORK)
    delay = timedelta(minutes=quote.delay_minutes)
    if now - quote.asked_at <= LIVE_FOR and now - quote.at <= QUIET_AFTER + delay:
        if quote.delay_minutes:
            return Freshness("delayed", f"{quote.delay_minutes} min delayed")
        return Freshness("live", f"Live {clock:%H:%M:%S} ET")
    day = "" if clock.date() == now.astimezone(NEW_YORK).date() else f" on {day_text(clock.date())}"
    late = f", {quote.delay_minutes} min delayed" if quote.delay_minutes else ""
    return Freshness("stale", f"Last quote {clock:%H:%M} ET{day}{late}")


def _trading_begins(now: datetime) -> datetime:
    local = now.astimezone(NEW_YORK)
    for session in (next_session(local.date(), inclusive=True), next_session(local.date())):
        begins = datetime.combine(session, PRE_OPEN, NEW_YORK)
        if begins > now:
            return begins
    return local
