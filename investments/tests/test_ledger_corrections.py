"""A user's correction against further syncs, and what of a row can be undone."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from investments import ledger
from investments.models import Transaction
from investments.tests.conftest import TODAY, Books, bought

WINDOW = {"start": date(2026, 1, 1), "end": TODAY}


def tip() -> Transaction:
    return Transaction.objects.last_versions().get()


def correct(books: Books, **content: Any) -> Transaction:
    row = tip()
    entry = bought(**content)
    return ledger.correct_transaction(
        row=row, version=row.version, entry=entry, security=books.securities["aapl"], today=TODAY
    )


def unlist(books: Books, *listed: str) -> int:
    return ledger.void_unlisted(accounts=books.accounts.values(), source="plaid", listed=listed, **WINDOW).voided


def test_a_correction_outlives_further_syncs(books: Books) -> None:
    books.record(bought())
    corrected = correct(books, amount=Decimal(1510))
    assert (corrected.version, corrected.is_correction) == (2, True)
    again = books.record(bought())
    assert (again.total, again.unchanged) == (0, 1)
    assert unlist(books, "t1") == 0
    assert tip().amount == 1510


def test_news_of_the_source_reach_the_fields_that_were_not_corrected(books: Books) -> None:
    books.record(bought(name="BUY"))
    correct(books, name="BUY", amount=Decimal(1510))
    books.record(bought(name="BUY AAPL", amount=Decimal(1505)))
    told, kept = Transaction.objects.order_by("version")[2:]
    assert (told.name, told.amount, told.is_correction) == ("BUY AAPL", 1505, False)
    assert (kept.name, kept.amount, kept.is_correction) == ("BUY AAPL", 1510, True)
    assert books.record(bought(name="BUY AAPL", amount=Decimal(1505))).total == 0


def test_a_source_that_comes_to_say_what_the_owner_says_ends_the_correction(books: Books) -> None:
    books.record(bought())
    correct(books, amount=Decimal(1510))
    books.record(bought(amount=Decimal(1510)))
    assert (tip().version, tip().is_correction) == (3, False)
    books.record(bought(amount=Decimal(1520)))
    assert tip().amount == 1520


def test_what_the_owner_voided_stays_void(books: Books) -> None:
    books.record(bought())
    ledger.void_transaction(row=tip(), version=1)
    assert books.record(bought()).total == 0
    books.record(bought(amount=Decimal(1505)))
    assert not Transaction.objects.current().exists()
    assert (tip().amount, tip().is_void, tip().is_correction) == (1505, True, True)


def test_what_the_source_withdraws_goes_with_its_correction_and_comes_back_with_it(books: Books) -> None:
    books.record(bought())
    correct(books, amount=Decimal(1510))
    assert unlist(books) == 1
    assert not Transaction.objects.current().exists()
    assert unlist(books) == 0
    books.record(bought())
    assert (tip().amount, tip().is_void) == (1510, False)


def test_a_row_moved_to_another_day_is_listed_by_the_day_that_was_told(books: Books) -> None:
    """The source lists its own days: the owner's must not make it look withdrawn."""
    books.record(bought(date=date(2025, 12, 31)))
    correct(books, date=date(2026, 1, 2))
    assert unlist(books) == 0
    moved = correct(books, date=date(2025, 12, 31))
    assert not moved.is_correction


def test_what_the_owner_brings_back_stays(books: Books) -> None:
    books.record(bought())
    unlist(books)
    ledger.restore_transaction(row=tip(), version=2, to_version=1)
    assert unlist(books) == 0
    assert Transaction.objects.current().get().version == 3


def test_undo_and_redo_go_back_and_forth_between_versions(books: Books) -> None:
    books.record(bought())
    correct(books, amount=Decimal(1510))
    ledger.void_transaction(row=tip(), version=2)
    amounts = []
    for version, to_version in ((3, 2), (4, 1), (5, 2), (6, 3)):
        row = ledger.restore_transaction(row=tip(), version=version, to_version=to_version)
        amounts.append((row.amount, row.is_void, row.is_correction))
    assert amounts == [(1510, False, True), (1500, False, False), (1510, False, True), (1510, True, True)]


def test_a_stale_version_changes_nothing_and_hands_back_the_current_row(books: Books) -> None:
    books.record(bought())
    first = tip()
    correct(books, amount=Decimal(1510))
    attempts: list[Any] = [
        lambda: ledger.void_transaction(row=first, version=1),
        lambda: ledger.restore_transaction(row=first, version=1, to_version=1),
        lambda: ledger.correct_transaction(
            row=first, version=1, entry=bought(), security=books.securities["aapl"], today=TODAY
        ),
    ]
    for attempt in attempts:
        with pytest.raises(ledger.StaleVersion) as stale:
            attempt()
        assert (stale.value.current.version, stale.value.current.amount) == (2, 1510)
    assert Transaction.objects.count() == 2


def test_the_same_content_again_makes_no_version(books: Books) -> None:
    books.record(bought())
    before = books.account.ledger_version
    assert correct(books).version == 1
    assert books.account.ledger_version == before


def test_a_version_that_never_was_is_refused(books: Books) -> None:
    books.record(bought())
    with pytest.raises(ledger.UnknownVersion):
        ledger.restore_transaction(row=tip(), version=1, to_version=7)
