"""Older transactions of an item, read in windows from today back, each of them written whole.

What is done is told by the runs themselves, so that a backfill that was stopped goes on where it stood.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from plaid_link.doubts import HELD_BACK
from plaid_link.models import Item, SyncRun
from plaid_link.snapshots import Upserts
from plaid_link.sources.base import SourceError
from plaid_link.sync import sync_item
from portfolio_site.lib import rls

ATTEMPTS = 4
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 5.0, 120.0
MONTHS = 3


@dataclass(frozen=True, slots=True)
class Window:
    """The days from `start` to `end`, both included."""

    start: date
    end: date

    def __str__(self) -> str:
        return f"{self.start} to {self.end}"


class HeldBack(Exception):
    """An answer was not believed yet: what comes next to it would not be a second look."""


Progress = Callable[[Window, Upserts], None]


def windows(start: date, end: date) -> list[Window]:
    """The quarters of the calendar from `start` to `end`, the latest first: the same on whichever day it goes on."""
    return list(_quarters(start, end))


def _quarters(start: date, end: date) -> Iterator[Window]:
    while start <= end:
        first = end.replace(month=(end.month - 1) // MONTHS * MONTHS + 1, day=1)
        yield Window(max(first, start), end)
        end = first - timedelta(days=1)


def windows_left(item: Item, start: date, end: date, *, again: bool = False) -> list[Window]:
    """The windows that no backfill has read yet; with `again` all of them."""
    wanted = windows(start, end)
    if again:
        return wanted
    with rls.tenant(item.owner_id):
        runs = SyncRun.objects.filter(item=item, trigger=SyncRun.Trigger.BACKFILL, state=SyncRun.State.SUCCEEDED)
        read = [Window(run.start_date, run.end_date) for run in runs if not _held_back(run)]
    return [one for one in wanted if not any(done.start <= one.start and one.end <= done.end for done in read)]


def backfill(
    *, item: Item, left: list[Window], progress: Progress, pause: Callable[[float], None] = time.sleep
) -> Upserts:
    """Read the windows one after another; rows written in all.

    What may pass by itself is tried again after a `pause` of so many seconds. Raises SourceError where it did not pass,
    and HeldBack; the windows before stay done.
    """
    written = Upserts()
    for window in left:
        upserts = _read(item, window, pause)
        written += upserts
        progress(window, upserts)
        _stop_where_held_back(item)
    return written


def _read(item: Item, window: Window, pause: Callable[[float], None]) -> Upserts:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return sync_item(item=item, trigger=SyncRun.Trigger.BACKFILL, start=window.start, end=window.end)
        except SourceError as error:
            if error.permanent or attempt == ATTEMPTS:
                raise
            pause(min(error.retry_after or FIRST_PAUSE_SECONDS * 2**attempt, LONGEST_PAUSE_SECONDS))
    raise AssertionError("the last attempt returns or raises")


def _stop_where_held_back(item: Item) -> None:
    with rls.tenant(item.owner_id):
        last = SyncRun.objects.filter(item=item, state=SyncRun.State.SUCCEEDED).first()
    if last and _held_back(last):
        raise HeldBack("Something was held back for a second look, in 15 minutes. Go on after it.")


def _held_back(run: SyncRun) -> bool:
    return any(found["kind"] == HELD_BACK for found in run.findings)
