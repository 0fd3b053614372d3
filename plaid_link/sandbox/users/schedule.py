"""When things happen in an account: nominal days, moved to the next session."""

from datetime import date, timedelta

from portfolio_site.lib import sessions


def falls_on(day: date, nominal: date) -> bool:
    """Whether `day` is the session on which something meant for `nominal` happens."""
    return sessions.next_session(nominal, inclusive=True) == day


def monthly(day: date, day_of_month: int) -> bool:
    """Whether the monthly event of `day_of_month` (up to 28) happens on `day`."""
    nominal = day.replace(day=day_of_month)
    return nominal <= day <= nominal + timedelta(days=5) and falls_on(day, nominal)


def fortnightly(day: date, weekday: int) -> bool:
    """Every other `weekday` (Monday is 0), or the next session."""
    nominal = day - timedelta(days=(day.weekday() - weekday) % 7)
    return nominal.isocalendar().week % 2 == 0 and (day - nominal).days < 4 and falls_on(day, nominal)


def every_day(start: date, end: date) -> list[date]:
    """Every calendar day, both ends included."""
    return [start + timedelta(days=offset) for offset in range((end - start).days + 1)]


def third_friday(year: int, month: int) -> date:
    """When listed options of a month expire; the session before where that Friday is a holiday."""
    first = date(year, month, 1)
    friday = first + timedelta(days=(4 - first.weekday()) % 7 + 14)
    return sessions.previous_session(friday, inclusive=True)


def expiry_after(day: date) -> date:
    """The first monthly expiry on or after `day`."""
    found = third_friday(day.year, day.month)
    return found if found >= day else third_friday(day.year + day.month // 12, day.month % 12 + 1)
