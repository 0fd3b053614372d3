"""Older transactions: every day asked for once, stopped and gone on with, nothing doubled."""

import io
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from investments.models import Transaction
from plaid_link import backfill as backfills
from plaid_link.backfill import HeldBack, backfill, windows, windows_left
from plaid_link.models import Item, SyncRun
from plaid_link.sources.base import SourceError
from plaid_link.sync import recent_window, sync_item, whole_window
from plaid_link.tests.scripted import (
    HOLDINGS,
    TRANSACTIONS,
    Body,
    ScriptedPlaid,
    error,
    transaction,
    transactions_answer,
)

DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))


@given(DAYS, st.integers(0, 1500))
def test_windows_cover_every_day_once_and_end_with_quarters(start: date, days: int) -> None:
    end = start + timedelta(days=days)
    parts = windows(start, end)
    covered = [part.start + timedelta(days=n) for part in parts for n in range((part.end - part.start).days + 1)]
    assert sorted(covered) == [start + timedelta(days=n) for n in range(days + 1)]
    assert parts == sorted(parts, key=lambda part: part.end, reverse=True)
    assert all((day.month, day.day) in {(1, 1), (4, 1), (7, 1), (10, 1)} for day in (part.start for part in parts[:-1]))


def test_of_a_range_that_is_empty_there_are_none() -> None:
    assert windows(date(2026, 2, 1), date(2026, 1, 31)) == []


@pytest.fixture
def dated(scripted: ScriptedPlaid) -> ScriptedPlaid:
    """A purchase on every twentieth day of two years, told for the days asked for."""
    today = timezone.now().date()
    rows = [transaction(f"t{back}", date=(today - timedelta(days=back)).isoformat()) for back in range(0, 730, 20)]

    def told(request: Body) -> Body:
        chosen = [row for row in rows if request["start_date"] <= row["date"] <= request["end_date"]]
        return transactions_answer(*chosen)

    scripted.answers[TRANSACTIONS] = told
    return scripted


def sync_recent(item: Item) -> None:
    start, end = recent_window()
    sync_item(item=item, trigger="link", start=start, end=end)


def command(*arguments: str) -> str:
    out = io.StringIO()
    call_command("backfill_transactions", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_brings_in_what_is_older_and_writes_nothing_twice(item: Item, dated: ScriptedPlaid) -> None:
    sync_recent(item)
    assert Transaction.objects.count() == 2
    told = command("--item", item.item_id)
    assert Transaction.objects.count() == 37
    assert "done: 35 transactions written" in told
    assert "1 items, 0 not finished" in told
    asked = len(dated.asked)
    assert "0 windows left" in command("--item", item.item_id)
    assert len(dated.asked) == asked
    assert "done: 0 transactions written" in command("--item", item.item_id, "--again")
    assert Transaction.objects.count() == 37


def test_says_how_far_it_is(item: Item, dated: ScriptedPlaid) -> None:
    start, end = whole_window()
    parts = windows(start, end)
    lines = [line for line in command().splitlines() if " windows left " not in line]
    assert [line.split(":")[0].strip() for line in lines[:-2]] == [
        f"{number}/{len(parts)} {part}" for number, part in enumerate(parts, start=1)
    ]


def test_stopped_it_goes_on_where_it_stood(item: Item, dated: ScriptedPlaid) -> None:
    tell, start = dated.answers[TRANSACTIONS], windows(*whole_window())[3].start
    dated.answers[TRANSACTIONS] = lambda body: (  # type: ignore[assignment]
        error("ITEM_LOGIN_REQUIRED") if body["start_date"] == start.isoformat() else tell(body)  # type: ignore[operator]
    )
    with pytest.raises(CommandError, match="goes on where it stood"):
        command()
    dated.answers[TRANSACTIONS] = tell
    dated.asked.clear()
    assert "done: " in command()
    assert dated.asked_of(TRANSACTIONS)[0]["start_date"] == start.isoformat()
    assert len(dated.asked_of(TRANSACTIONS)) == len(windows(*whole_window())) - 3
    assert Transaction.objects.count() == 37


def test_on_another_day_only_the_new_days_are_left(item: Item, dated: ScriptedPlaid) -> None:
    start, end = whole_window()
    backfill(item=item, left=windows(start, end), progress=lambda *_: None)
    tomorrow = end + timedelta(days=1)
    assert windows_left(item, start + timedelta(days=1), end) == []
    assert windows_left(item, start + timedelta(days=1), tomorrow) == windows(start, tomorrow)[:1]


def test_a_dry_run_asks_nobody(item: Item, dated: ScriptedPlaid) -> None:
    told = command("--dry-run", "--start", (timezone.now().date() - timedelta(days=5)).isoformat())
    assert "windows left" in told
    assert dated.asked == []
    assert not SyncRun.objects.exists()


def test_what_passes_by_itself_is_tried_again_after_what_was_asked_for(item: Item, dated: ScriptedPlaid) -> None:
    tell, refusals = dated.answers[TRANSACTIONS], iter(["7", "900"])

    def told(body: Body) -> Any:
        seconds = next(refusals, None)
        if seconds:
            return error("INVESTMENT_TRANSACTIONS_LIMIT", status=429, headers={"Retry-After": seconds})
        return tell(body)  # type: ignore[operator]

    dated.answers[TRANSACTIONS] = told
    pauses: list[float] = []
    backfill(item=item, left=windows(*whole_window()), progress=lambda *_: None, pause=pauses.append)
    assert pauses == [7.0, backfills.LONGEST_PAUSE_SECONDS]
    assert Transaction.objects.count() == 37


def test_what_does_not_pass_is_not_tried_for_ever(item: Item, dated: ScriptedPlaid) -> None:
    dated.answers[HOLDINGS] = error("INSTITUTION_DOWN")
    pauses: list[float] = []
    with pytest.raises(SourceError, match="does not answer"):
        backfill(item=item, left=windows(*whole_window()), progress=lambda *_: None, pause=pauses.append)
    assert len(dated.asked_of(HOLDINGS)) == backfills.ATTEMPTS == len(pauses) + 1


def test_sudden_emptiness_of_one_window_voids_nothing_in_the_next(item: Item, dated: ScriptedPlaid) -> None:
    start, end = whole_window()
    sync_item(item=item, trigger="link", start=start, end=end)
    dated.answers[TRANSACTIONS] = transactions_answer()
    parts = windows(start, end)
    for number in range(2):
        with pytest.raises(HeldBack):
            backfill(item=item, left=parts[number:], progress=lambda *_: None)
    assert Transaction.objects.current().count() == 37
    assert windows_left(item, start, end) == parts


@pytest.mark.parametrize(
    ("given_start", "told"), [("2999-01-01", "in the future"), ("not-a-date", "invalid fromisoformat value")]
)
def test_a_start_that_cannot_be_is_refused(db: None, given_start: str, told: str) -> None:
    with pytest.raises(CommandError, match=told):
        command("--start", given_start)


def test_earlier_than_plaid_tells_is_as_early_as_it_tells(item: Item, dated: ScriptedPlaid) -> None:
    told = command("--start", "2001-01-01", "--dry-run")
    assert "Plaid tells 24 months" in told
    assert f"from {whole_window()[0]} to" in told


def test_a_disconnected_item_is_left_alone(item: Item, dated: ScriptedPlaid) -> None:
    Item.objects.update(status=Item.Status.DISCONNECTED)
    assert "0 items, 0 not finished" in command()
