from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from investments import ledger
from investments.entries import AccountEntry, CorporateActionEntry, HoldingEntry, InstitutionEntry, SecurityEntry
from investments.models import Account, CorporateAction, Holding, Institution, Security, Transaction
from investments.tests.conftest import Books, bought, open_books

SPLIT = CorporateActionEntry("split", date(2026, 6, 1), ratio=Decimal(2))


def upsert(books: Books, **given: Any) -> ledger.AccountsWritten:
    return ledger.upsert_accounts(
        owner_id=books.account.owner_id,
        institution=books.institution,
        source="plaid",
        entries=[AccountEntry("brokerage", "Brokerage", **given)],
    )


def a_day_of(books: Books) -> None:
    """A day of history, which no foreign key ties to its account."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO history_accountday (account_id, day, owner_id, value, cash, net_flow, income, fees,"
            " securities_count, quality, snapshot_type) VALUES (%s, '2026-11-20', %s, 1, 1, 0, 0, 0, 1, 1, 1)",
            [books.account.pk, books.account.owner_id],
        )


def days_stored() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT account_id FROM history_accountday")
        return [row[0] for row in cursor.fetchall()]


class TestAccounts:
    def test_the_same_again_changes_nothing(self, books: Books) -> None:
        version = books.account.ledger_version
        written = upsert(books)
        assert (written.inserted, written.changed) == (0, 0)
        assert books.account.ledger_version == version

    def test_a_name_changes_no_history(self, books: Books) -> None:
        version = books.account.ledger_version
        assert upsert(books, official_name="Individual Brokerage").changed == 1
        assert books.account.official_name == "Individual Brokerage"
        assert books.account.ledger_version == version

    def test_cash_does(self, books: Books) -> None:
        version = books.account.ledger_version
        upsert(books, uninvested_cash=Decimal("120.50"), cash_source="balance")
        assert (books.account.uninvested_cash, books.account.ledger_version) == (Decimal("120.5"), version + 1)

    def test_cash_that_is_not_told_stays(self, books: Books) -> None:
        upsert(books, uninvested_cash=Decimal(120), cash_source="balance")
        assert upsert(books).changed == 0
        assert (books.account.uninvested_cash, books.account.cash_source) == (120, "balance")

    def test_an_absurd_balance_is_left_out_and_said(self, books: Books) -> None:
        written = upsert(books, balance_current=Decimal("1E+400"))
        assert books.account.balance_current is None
        assert written.findings[0].field == "balance_current"

    def test_two_owners_may_share_an_external_id(self, books: Books, other: Any) -> None:
        open_books(other)
        assert Account.objects.filter(external_id="brokerage").count() == 2

    def test_an_adopted_account_goes_on_under_its_new_id(self, books: Books) -> None:
        ledger.adopt_accounts(external_ids={books.account.pk: "relinked"})
        assert Account.objects.get().external_id == "relinked"

    def test_a_closed_account_keeps_its_ledger(self, books: Books) -> None:
        books.record(bought())
        assert ledger.close_accounts(account_ids=[books.account.pk]) == 1
        assert ledger.close_accounts(account_ids=[books.account.pk]) == 0
        assert Transaction.objects.count() == 1
        assert not Account.objects.open().exists()

    def test_erasing_leaves_nothing_of_this_account_and_all_of_others(self, books: Books, other: Any) -> None:
        untouched = open_books(other)
        for book in (books, untouched):
            book.record(bought(amount=Decimal(1)))
            book.record(bought(amount=Decimal(2)))
            entry = HoldingEntry("brokerage", "aapl", Decimal(1), Decimal(1), Decimal(1))
            ledger.replace_holdings(
                accounts=book.accounts,
                securities=book.securities,
                source="plaid",
                entries=[entry],
                now=datetime(2026, 11, 20, tzinfo=UTC),
            )
        a_day_of(books)
        a_day_of(untouched)
        assert ledger.erase_accounts(account_ids=[books.account.pk]) == 1
        assert days_stored() == [untouched.account.pk]
        assert [row.owner for row in Account.objects.all()] == [other]
        assert (
            {row.owner for row in Transaction.objects.all()} == {row.owner for row in Holding.objects.all()} == {other}
        )
        assert Transaction.objects.count() == 2


class TestSecurities:
    def test_the_same_again_changes_nothing(self, books: Books) -> None:
        entry = SecurityEntry("aapl", name="Apple Inc.", ticker_symbol="AAPL", type="equity")
        written = ledger.upsert_securities(source="plaid", entries=[entry])
        assert (written.inserted, written.changed) == (0, 0)
        assert written.by_external_id["aapl"].name == "Apple Inc."

    def test_a_new_close_is_a_change(self, books: Books) -> None:
        entry = SecurityEntry("vti", ticker_symbol="VTI", type="etf", close_price=Decimal("310.123456789012"))
        assert ledger.upsert_securities(source="plaid", entries=[entry]).changed == 1
        assert Security.objects.get(external_id="vti").close_price == Decimal("310.123456789012")

    def test_ids_that_differ_by_case_are_two(self, db: Any) -> None:
        written = ledger.upsert_securities(source="plaid", entries=[SecurityEntry("aB"), SecurityEntry("Ab")])
        assert written.inserted == 2

    def test_how_a_bond_is_quoted_is_not_forgotten(self, db: Any) -> None:
        quoted = SecurityEntry("bond", type="fixed income", fixed_income={"quoted_per_100": True})
        ledger.upsert_securities(source="plaid", entries=[quoted])
        again = ledger.upsert_securities(source="plaid", entries=[SecurityEntry("bond", type="fixed income")])
        assert again.changed == 0
        assert again.by_external_id["bond"].multiplier == Decimal("0.01")

    def test_an_institution_is_one_row_that_follows_its_name(self, db: Any) -> None:
        ledger.upsert_institution(entry=InstitutionEntry("ins_1", "First Platypus"))
        ledger.upsert_institution(entry=InstitutionEntry("ins_1", "First Platypus Bank", "https://platypus.example"))
        assert list(Institution.objects.values_list("name", "url")) == [
            ("First Platypus Bank", "https://platypus.example")
        ]


class TestCorporateActions:
    def record(self, books: Books, entry: CorporateActionEntry = SPLIT, source: str = "fmp") -> ledger.ActionsWritten:
        security = books.securities["aapl"]
        return ledger.record_corporate_actions(security_ids=[security.pk], actions=[entry], source=source)

    @pytest.fixture
    def version(self, books: Books) -> int:
        books.record(bought())
        return books.account.ledger_version

    def test_a_split_raises_the_version_of_accounts_concerned(self, books: Books, other: Any, version: int) -> None:
        bystander = open_books(other).account
        assert self.record(books).inserted == 1
        assert books.account.ledger_version == version + 1
        assert Account.objects.get(pk=bystander.pk).ledger_version == bystander.ledger_version

    def test_the_same_again_changes_nothing(self, books: Books, version: int) -> None:
        self.record(books)
        assert self.record(books, source="yahoo") == ledger.ActionsWritten(inserted=0, changed=0)
        assert books.account.ledger_version == version + 1

    def test_what_an_operator_entered_is_not_overwritten(self, books: Books) -> None:
        self.record(books, CorporateActionEntry("split", SPLIT.ex_date, ratio=Decimal("0.125")), source="operator")
        assert self.record(books).changed == 0
        assert CorporateAction.objects.get().ratio == Decimal("0.125")
        assert self.record(books, source="operator").changed == 1
