"""The next day of histories that are right but for the calendar: written as the nightly snapshot does.

Nothing of the past is read. Yesterday is written once more, as its last closes and rates may have come after it was;
where its snapshot is taken that stays.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db import connection
from django.db.models import F
from django.utils import timezone

from history.closings import close_accounts, moved_since
from history.models import AccountHistory, Anomaly
from history.valuation import value_holdings

ONE_DAY: Final = timedelta(days=1)
FINISH: Final = """
UPDATE history_accounthistory SET state = 'ready', progress = 1, last_day = %(today)s, finished_at = %(finished)s,
    attempts = 0, queued_at = NULL, error = ''
WHERE account_id = ANY(%(accounts)s)
"""


@dataclass(frozen=True, slots=True)
class Follower:
    """An account whose history is of its ledger as it stands, up to `last_day`: today or yesterday."""

    account_id: int
    last_day: date


def append_days(*, followers: Iterable[Follower], today: date, now: datetime | None = None) -> set[int]:
    """Bring the histories up to today; returns the accounts done. The rest need to be rebuilt.

    Those are accounts with transactions dated after their last day (they counted there until now), with a split since,
    or without an exchange rate. A few dozen statements whatever the number of accounts, in the caller's transaction.
    """
    last_days = {follower.account_id: follower.last_day for follower in followers}
    if not last_days:
        return set()
    value_holdings(account_ids=sorted(last_days), now=now)
    _raise_versions(sorted(last_days))
    done: set[int] = set()
    for last_day in sorted(set(last_days.values())):
        accounts = {account for account, day in last_days.items() if day == last_day}
        done |= _append(accounts, last_day, today)
    _finish(sorted(done), today)
    return done


def _raise_versions(accounts: Sequence[int]) -> None:
    """Of all of them: an account that turns out to need a rebuild may have had a day written before."""
    AccountHistory.objects.filter(pk__in=accounts).update(days_version=F("days_version") + 1)


def _append(accounts: set[int], last_day: date, today: date) -> set[int]:
    accounts = accounts - moved_since(account_ids=sorted(accounts), day=last_day, today=today)
    day = last_day
    while accounts and day <= today:
        closed = close_accounts(account_ids=sorted(accounts), day=day, today=today)
        accounts -= {*closed.left, *closed.unconverted}
        day += ONE_DAY
    return accounts


def _finish(accounts: Collection[int], today: date) -> None:
    Anomaly.objects.filter(account__in=accounts, kind=Anomaly.Kind.UNMAPPED).exclude(day=today).update(day=today)
    with connection.cursor() as cursor:
        cursor.execute(FINISH, {"accounts": list(accounts), "today": today, "finished": timezone.now()})
