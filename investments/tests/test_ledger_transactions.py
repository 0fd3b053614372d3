from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from investments import ledger
from investments.models import Account, Transaction
from investments.signals import ledger_changed
from investments.tests.conftest import TODAY, Books, bought, open_books
from portfolio_site.models import User


def the_ledger(account: Account) -> list[tuple[Any, ...]]:
    rows = Transaction.objects.current().filter(account=account).order_by("external_id")
    return list(rows.values_list("external_id", "type", "quantity", "amount", "date"))


def test_a_row_is_recorded_as_told(books: Books) -> None:
    moment = datetime(2026, 3, 2, 15, 30, tzinfo=UTC)
    written = books.record(bought(name="Bought Apple", fees=Decimal("1.25"), executed_at=moment))
    row = Transaction.objects.get()
    assert (written.inserted, written.total, written.findings) == (1, 1, ())
    assert (row.owner_id, row.account_id) == (books.account.owner_id, books.account.pk)
    assert (row.security.ticker_symbol, row.quantity, row.price) == ("AAPL", Decimal(10), Decimal(150))
    assert (row.amount, row.fees, row.executed_at, row.name) == (1500, Decimal("1.25"), moment, "Bought Apple")


def test_the_same_rows_again_change_nothing(books: Books) -> None:
    books.record(bought("t1"), bought("t2"))
    before = books.account.ledger_version
    again = books.record(bought("t1"), bought("t2"))
    assert (again.total, again.unchanged) == (0, 2)
    assert Transaction.objects.count() == 2
    assert books.account.ledger_version == before


def test_any_number_of_rows_is_one_change_of_the_account(books: Books) -> None:
    before = books.account.ledger_version
    books.record(*(bought(f"t{number}") for number in range(25)))
    assert books.account.ledger_version == before + 1


@pytest.mark.parametrize("is_web", [False, True])
def test_many_rows_are_recorded_like_few_under_row_security_too(
    books: Books, owner: Any, as_web: Any, is_web: bool
) -> None:
    """COPY does not work under row security: there they are inserted."""
    many = [bought(f"t{number}", quantity=Decimal(number), fees=Decimal("0.01")) for number in range(1, 301)]
    with as_web(owner) if is_web else nullcontext():
        assert books.record(*many).inserted == 300
        assert books.record(*many).unchanged == 300
        corrected = [replace(entry, name="Corrected") for entry in many]
        assert books.record(*corrected).superseded == 300
    current = Transaction.objects.current().order_by("pk")
    assert [(row.external_id, row.quantity, row.version) for row in current] == [
        (entry.external_id, entry.quantity, 2) for entry in many
    ]
    assert all(row.supersedes.external_id == row.external_id for row in current.select_related("supersedes"))


def test_digits_beyond_a_float_survive(books: Books) -> None:
    books.record(bought(quantity=Decimal("0.123456789012"), price=Decimal("12345678901234567.123456789012")))
    row = Transaction.objects.get()
    assert row.quantity == Decimal("0.123456789012")
    assert row.price == Decimal("12345678901234567.123456789012")


def test_more_digits_than_are_kept_are_not_taken_for_a_change(books: Books) -> None:
    entry = bought(quantity=Decimal("47.74104242992852"), amount=Decimal("1314.3108980999"))
    books.record(entry)
    assert books.record(entry).total == 0


def test_changed_content_becomes_a_version_that_supersedes(books: Books) -> None:
    books.record(bought(amount=Decimal(1500)))
    written = books.record(bought(amount=Decimal(1510)))
    first, second = Transaction.objects.order_by("version")
    assert (written.inserted, written.superseded) == (0, 1)
    assert (second.supersedes, second.version) == (first, 2)
    assert [row.amount for row in Transaction.objects.current()] == [1510]


def test_a_row_may_go_from_a_to_b_and_back(books: Books) -> None:
    for amount in (1500, 1510, 1500):
        books.record(bought(amount=Decimal(amount)))
    assert [row.version for row in Transaction.objects.current()] == [3]
    assert Transaction.objects.current().get().amount == 1500


def test_a_vanished_row_is_voided_not_deleted_and_may_come_back(books: Books) -> None:
    books.record(bought("t1"), bought("t2"))
    window = {"start": date(2026, 1, 1), "end": TODAY}
    arguments = {"accounts": books.accounts.values(), "source": "plaid", "listed": {"t2"}, **window}
    assert ledger.void_unlisted(**arguments).voided == 1
    assert [row.external_id for row in Transaction.objects.current()] == ["t2"]
    assert Transaction.objects.filter(external_id="t1").count() == 2
    assert ledger.void_unlisted(**arguments).voided == 0
    assert books.record(bought("t1")).superseded == 1
    assert Transaction.objects.current().get(external_id="t1").version == 3


def test_rows_outside_of_the_window_or_of_another_source_are_left(books: Books) -> None:
    books.record(bought("before", date=date(2025, 12, 31)))
    books.record(bought("by-hand"), source="manual")
    written = ledger.void_unlisted(
        accounts=books.accounts.values(), source="plaid", start=date(2026, 1, 1), end=TODAY, listed=()
    )
    assert written.total == 0


def test_two_sources_may_use_the_same_id(books: Books) -> None:
    books.record(bought("t1"))
    assert books.record(bought("t1"), source="csv").inserted == 1
    assert Transaction.objects.current().count() == 2


def test_ids_that_differ_by_case_are_two_rows(books: Books) -> None:
    assert books.record(bought("aB"), bought("Ab")).inserted == 2


def test_an_id_that_looks_like_a_version_of_another_is_its_own_row(books: Books) -> None:
    books.record(bought("t", amount=Decimal(1)), bought("t#2", amount=Decimal(2)))
    assert books.record(bought("t", amount=Decimal(3))).superseded == 1


def test_signs_are_repaired_by_type_and_it_is_recorded(books: Books) -> None:
    books.record(bought(type="sell", subtype="sell", quantity=Decimal(10), amount=Decimal(1500)))
    row = Transaction.objects.get()
    assert (row.quantity, row.amount) == (-10, -1500)
    assert len(row.repairs) == 2


def test_a_missing_currency_is_taken_from_the_account_and_recorded(books: Books) -> None:
    books.record(bought(currency=""))
    row = Transaction.objects.get()
    assert row.currency == "USD"
    assert "currency" in row.repairs[0]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"account_external_id": "nobody"}, "account"),
        ({"security_external_id": "unheard-of"}, "security"),
        ({"quantity": Decimal("1E+30")}, "quantity"),
        ({"quantity": Decimal("1E-18")}, "quantity"),
        ({"quantity": Decimal("NaN")}, "quantity"),
        ({"amount": Decimal("1E+400")}, "amount"),
        ({"amount": Decimal("Infinity")}, "amount"),
        ({"date": TODAY + timedelta(days=2)}, "date"),
        ({"date": date(1900, 1, 1)}, "date"),
        ({"date": date(2100, 1, 1)}, "date"),
        ({"settles_on": date(2026, 3, 1)}, "settles_on"),
        ({"external_id": "x" * 101}, "external_id"),
        ({"type": ""}, "type"),
    ],
)
def test_a_bad_row_is_refused_by_name_and_field_and_the_rest_goes_on(
    books: Books, wrong: dict[str, Any], field: str
) -> None:
    bad = bought(**{"external_id": "bad", **wrong})
    written = books.record(bought("good"), bad)
    assert [row.external_id for row in Transaction.objects.all()] == ["good"]
    assert [(found.kind, found.field, found.row) for found in written.findings] == [
        ("refused", field, f"transaction {bad.external_id}")
    ]


def test_one_id_with_two_contents_is_refused(books: Books) -> None:
    written = books.record(bought("t1"), bought("t1", amount=Decimal(7)), bought("t2"), bought("t2"))
    assert [row.external_id for row in Transaction.objects.all()] == ["t2"]
    assert written.findings[0].row == "transaction t1"


def test_a_change_is_told_once_after_commit(books: Books, django_capture_on_commit_callbacks: Any) -> None:
    heard: list[list[int]] = []

    def listener(account_ids: list[int], **_: Any) -> None:
        heard.append(account_ids)

    ledger_changed.connect(listener)
    try:
        with django_capture_on_commit_callbacks(execute=True), ledger.together():
            books.record(bought("t1"))
            books.record(bought("t2"))
            assert heard == []
        with django_capture_on_commit_callbacks(execute=True):
            books.record(bought("t1"))
    finally:
        ledger_changed.disconnect(listener)
    assert heard == [[books.account.pk]]


REWRITES = ["UPDATE investments_transaction SET amount = 0", "DELETE FROM investments_transaction"]


class TestTheDatabaseHoldsIt:
    """Not the ORM: no code path, and no console, changes what was recorded."""

    @pytest.mark.parametrize("change", REWRITES)
    def test_the_owner_of_the_tables_cannot_change_a_row(self, books: Books, change: str) -> None:
        books.record(bought())
        with pytest.raises(DatabaseError, match="Cannot update or delete rows"), transaction.atomic():
            _execute(change)
        assert Transaction.objects.get().amount == 1500

    @pytest.mark.parametrize("change", REWRITES)
    def test_the_web_role_has_no_right_to(self, books: Books, owner: Any, as_web: Any, change: str) -> None:
        books.record(bought())
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic(), as_web(owner):
            _execute(change)

    def test_the_web_role_cannot_switch_the_trigger_off(self, books: Books, owner: Any, as_web: Any) -> None:
        books.record(bought())
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic(), as_web(owner):
            ledger.erase_accounts(account_ids=[books.account.pk])

    def test_the_web_role_may_record(self, books: Books, owner: Any, as_web: Any) -> None:
        with as_web(owner):
            assert books.record(bought()).inserted == 1
            assert books.record(bought(amount=Decimal(1))).superseded == 1

    def test_the_web_role_cannot_record_for_another(self, books: Books, other: Any, as_web: Any) -> None:
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic(), as_web(other):
            books.record(bought())


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


entries = st.builds(
    lambda number, kind, quantity, day: bought(
        f"t{number}",
        type=kind,
        subtype=kind,
        quantity=quantity,
        amount=quantity * 3,
        date=date(2026, 1, 1) + timedelta(days=day),
    ),
    number=st.integers(0, 30),
    kind=st.sampled_from(["buy", "sell"]),
    quantity=st.decimals(min_value="0.01", max_value="1000", places=6),
    day=st.integers(0, 200),
)


class TestAnyBatching(HypothesisTestCase):
    """The same rows, in whatever pages they come and however often, make the same ledger."""

    @settings(max_examples=30, deadline=None)
    @given(rows=st.lists(entries, unique_by=lambda entry: entry.external_id, max_size=20), data=st.data())
    def test_makes_the_same_ledger(self, rows: list[Any], data: st.DataObject) -> None:
        at_once = open_books(User.objects.create_user(email="one@example.com"))
        in_pages = open_books(User.objects.create_user(email="two@example.com"))
        at_once.record(*rows)
        size = data.draw(st.integers(1, 7), label="page size")
        repeated = data.draw(st.permutations([*rows, *rows]), label="order")
        pages = [repeated[start : start + size] for start in range(0, len(repeated), size)]
        inserted = sum(in_pages.record(*page).inserted for page in pages)
        assert the_ledger(in_pages.account) == the_ledger(at_once.account)
        assert inserted == len(rows)
        assert Transaction.objects.filter(account=in_pages.account).count() == len(rows)


def test_many_rows_are_voided_in_several_strokes(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row once, however many are held in memory together; what is not in the ledger (any more) is left."""
    monkeypatch.setattr("investments.ledger.transactions.BATCH", 2)
    books.record(*(bought(f"t{number}") for number in range(7)))
    ids = list(Transaction.objects.order_by("pk").values_list("pk", flat=True))
    before = books.account.ledger_version
    assert ledger.void_transactions(transaction_ids=ids[:5]).voided == 5
    assert [name for name, *_ in the_ledger(books.account)] == ["t5", "t6"]
    assert ledger.void_transactions(transaction_ids=ids).voided == 2
    assert the_ledger(books.account) == []
    assert books.account.ledger_version == before + 2


def test_rows_are_named_by_the_ids_of_their_accounts(books: Books) -> None:
    """In any version; an id is looked for in its own account only."""
    books.record(bought("t1"), bought("t2"))
    books.record(replace(bought("t1"), name="Corrected"))
    own, other = books.account.pk, books.account.pk + 1
    named = Transaction.objects.named([(own, "t1"), (own, "t9"), (other, "t2")]).order_by("pk")
    assert [(row.external_id, row.version) for row in named] == [("t1", 1), ("t1", 2)]
    assert not Transaction.objects.named([])
