"""From a file to an account with holdings, value and history; twice, corrected, taken back, broken off."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from investments import ledger
from investments.models import Account, Holding, Security, Transaction
from plaid_link.imports import batches, jobs, storing
from plaid_link.models import ImportBatch, SyncRun
from plaid_link.tests.imports.conftest import worked
from plaid_link.tests.imports.sample import COLUMNS, HEADER, sample
from portfolio_site.models import Job
from tests.fixtures import TODAY, Portfolio

pytestmark = pytest.mark.django_db
State = ImportBatch.State
D = Decimal
Send = Callable[..., ImportBatch]


def _table(*rows: str) -> bytes:
    return "\n".join([HEADER, *rows]).encode()


def _held(account: Account) -> dict[str, tuple[Decimal, Decimal | None]]:
    rows = Holding.objects.held().filter(account=account).select_related("security")
    return {str(row.security): (row.quantity, row.cost_basis) for row in rows}


def test_a_file_becomes_an_account_with_holdings_cash_and_basis(store: Send) -> None:
    batch = store("schwab.csv")
    assert (batch.state, batch.stored_rows, batch.new_rows, batch.left_out_rows) == (State.STORED, 12, 12, 1)
    account = batch.account
    assert account
    assert (account.name, account.institution.name, account.sync_state) == ("My old broker", "Manual", "manual")
    # Schwab's own total of its cash column; what a split brought cost nothing, what was journaled in cost who knows.
    assert account.uninvested_cash == D("4686.92")
    assert _held(account) == {"IBKR": (40, D(1800)), "AAPL": (15, None), "SCHB": (D("0.4321"), D(10))}


def test_rows_of_one_day_are_recorded_in_the_order_in_which_they_happened(store: Send) -> None:
    """The file has the newest first: bought in the morning, sold at noon is no short sale."""
    rows = ("2025-01-06,Sell,KO,3,61,183", "2025-01-06,Buy,KO,3,60,-180", "2025-01-05,Deposit,,,,500")
    batch = store("", data=_table(*rows), columns=COLUMNS)
    recorded = Transaction.objects.filter(account=batch.account).order_by("pk")
    assert [row.subtype for row in recorded] == ["deposit", "buy", "sell"]


def test_the_same_file_twice_is_nothing_new_and_says_so(store: Send, send: Send) -> None:
    first = store("fidelity.csv")
    again = send("fidelity.csv", account=first.account)
    assert (again.new_rows, again.known_rows) == (0, 9)
    assert batches.stored_before(again) == first
    batches.confirm(again)
    assert worked(again).stored_rows == 0
    assert Transaction.objects.count() == 9


def test_a_longer_file_adds_what_the_shorter_did_not_have(store: Send) -> None:
    rows = ["2025-01-05,Deposit,,,,500", "2025-01-06,Buy,KO,3,60,-180", "2025-01-06,Buy,KO,3,60,-180"]
    first = store("", data=_table(*rows[:2]), columns=COLUMNS)
    second = store("", data=_table(*rows), account=first.account)
    assert (second.new_rows, second.known_rows) == (1, 2)
    assert first.account
    assert _held(first.account) == {"KO": (6, D(360))}


def test_taking_back_leaves_nothing_and_may_be_done_again(store: Send) -> None:
    batch = store("robinhood.csv")
    batches.undo(batch)
    assert worked(batch).state == State.UNDONE
    assert not Transaction.objects.current().exists()
    account = Account.objects.get(pk=batch.account_id)
    assert account.closed_at is not None
    # The ledger forgets nothing: each row is there, and its void.
    assert Transaction.objects.count() == 20


def test_taking_back_spares_what_was_there_before(store: Send) -> None:
    rows = ["2025-01-05,Deposit,,,,500", "2025-01-06,Buy,KO,3,60,-180"]
    first = store("", data=_table(rows[0]), columns=COLUMNS)
    second = store("", data=_table(*rows), account=first.account)
    batches.undo(second)
    worked(second)
    assert first.account
    account = Account.objects.get(pk=first.account.pk)
    assert (account.uninvested_cash, _held(account), account.closed_at) == (500, {}, None)
    third = store("", data=_table(*rows), account=account)
    assert (third.new_rows, third.known_rows, third.stored_rows) == (1, 1, 1)


def test_a_correction_of_an_imported_row_is_not_undone_by_the_file(store: Send) -> None:
    batch = store("", data=_table("2025-01-05,Deposit,,,,500"), columns=COLUMNS)
    (row,) = Transaction.objects.current()
    names = ("owner_id", "account_id", "external_id", "source", "type", "subtype", "date")
    values: dict[str, Any] = {name: getattr(row, name) for name in names}
    Transaction.objects.create(**values, amount=-501, version=2, supersedes=row, idempotency_key="corrected")
    again = store("", data=_table("2025-01-05,Deposit,,,,500"), account=batch.account)
    assert (again.known_rows, again.stored_rows) == (1, 0)
    assert Transaction.objects.current().get().amount == -501
    # The correction goes with what it corrects.
    batches.undo(batch)
    worked(batch)
    assert not Transaction.objects.current().exists()


@pytest.mark.parametrize(
    "row", ["2025-01-06,Buy,KO,ten,60,-180", "2027-01-06,Buy,KO,3,60,-180", "2025-01-06,Buy,,3,60,-180"]
)
def test_one_bad_row_and_nothing_is_stored(send: Send, row: str) -> None:
    batch = send("", data=_table("2025-01-05,Deposit,,,,500", row), columns=COLUMNS)
    assert (batch.state, batch.new_rows, batch.refused_rows) == (State.REFUSED, 1, 1)
    assert batch.refusals[0]["row"] == 3
    assert batch.refusals[0]["column"]
    with pytest.raises(batches.Refused, match="cannot be stored"):
        batches.confirm(batch)
    assert (Transaction.objects.count(), Account.objects.count()) == (0, 0)
    batches.answer(batch, {"rows_out": [3]})
    assert worked(batch).state == State.READY


def test_what_the_ledger_refuses_after_all_stores_nothing(send: Send) -> None:
    batch = send("", data=_table("2025-01-05,Deposit,,,,500", "2025-01-06,Buy,KO,3,60,-180"), columns=COLUMNS)
    chunk = batch.chunks.get()
    chunk.lines[1]["quantity"] = "1e30"
    chunk.save()
    batches.confirm(batch)
    worked(batch)
    assert (batch.state, Transaction.objects.count(), Account.objects.count()) == (State.REFUSED, 0, 0)
    assert Job.objects.get(pk=batch.job_id).state == Job.State.FAILED


def test_a_worker_that_dies_while_storing_leaves_nothing_and_the_next_one_stores(
    send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = send("vanguard.csv")
    batches.confirm(batch)

    class Killed(BaseException):
        pass

    def killed(*_arguments: Any, **_named: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(storing, "_finish", killed)
        with pytest.raises(Killed):
            worked(batch)
    assert (Transaction.objects.count(), Account.objects.count()) == (0, 0)
    assert worked(batch).state == State.STORED
    jobs.run(Job.objects.get(pk=batch.job_id))
    assert Transaction.objects.count() == batch.stored_rows == 6


def test_unknown_securities_are_asked_about_and_known_ones_are_not(send: Send, portfolio: Portfolio) -> None:
    rows = ("2025-01-05,Buy,AAPL,1,200,-200", "2025-01-05,Buy,ZZQX,1,10,-10", "2025-01-06,Buy,TYPO,1,10,-10")
    batch = send("", data=_table(*rows), columns=COLUMNS, accept_symbols=False)
    assert batch.state == State.ASKING
    (question,) = batch.questions
    assert (question["kind"], question["values"]) == ("symbols", ["ZZQX", "TYPO"])
    batches.answer(batch, {"symbols": {"ZZQX": {"type": "etf"}, "TYPO": {"symbol": "TSLA"}}})
    assert worked(batch).state == State.READY
    batches.confirm(batch)
    worked(batch)
    traded = {str(row.security): row.security for row in Transaction.objects.filter(account=batch.account)}
    assert traded["AAPL"] == portfolio.securities["sec-aapl"]
    assert traded["TSLA"] == portfolio.securities["sec-tsla"]
    assert (traded["ZZQX"].type, traded["ZZQX"].source) == ("etf", "csv")


def test_what_one_user_named_is_not_shown_to_another(store: Send, send: Send, other: Any) -> None:
    columns = {**COLUMNS, "description": "Note"}
    data = f"{HEADER},Note\n2025-01-05,Buy,HOUSE,1,200,-200,12 Elm Street\n".encode()
    store("", data=data, columns=columns)
    assert not Security.objects.filter(name__contains="Elm").exists()
    batch, _ = batches.open_batch(
        owner_id=other.pk, file_name="a.csv", data=data, account=None, new_account={"name": "X"}, columns=columns
    )
    assert worked(batch).symbols[0]["state"] == "asked"


def test_columns_and_words_are_remembered_for_the_next_file_of_the_kind(store: Send, send: Send) -> None:
    store("", data=_table("2025-01-05,Gutschrift,KO,,,5"), columns=COLUMNS, actions={"gutschrift": "dividend"})
    again = send("", data=_table("2025-02-05,Gutschrift,KO,,,6"))
    assert (again.state, again.new_rows) == (State.READY, 1)


def test_of_a_connected_account_only_the_days_before_the_connection_are_taken(
    send: Send, item: Any, portfolio: Portfolio
) -> None:
    from plaid_link.models import LinkedAccount

    LinkedAccount.objects.create(owner=item.owner, item=item, account=portfolio.brokerage)
    SyncRun.objects.create(
        owner=item.owner, item=item, trigger="link", state="succeeded", start_date=date(2025, 6, 1), end_date=TODAY
    )
    rows = ("2025-05-31,Buy,AAPL,1,200,-200", "2025-06-01,Buy,AAPL,2,200,-400")
    batch = send("", data=_table(*rows), columns=COLUMNS, account=portfolio.brokerage)
    assert (batch.new_rows, batch.left_out_rows) == (1, 1)
    batches.confirm(batch)
    worked(batch)
    # Its holdings are the brokerage's to tell.
    assert _held(portfolio.brokerage)["AAPL"] == (10, D(1800))


def test_a_file_without_deposits_is_paid_from_outside(store: Send) -> None:
    batch = store("", data=_table("2025-01-05,Buy,KO,3,60,-180", "2025-02-05,Sell,KO,1,70,70"), columns=COLUMNS)
    account = Account.objects.get(pk=batch.account_id)
    assert (account.uninvested_cash, _held(account)) == (0, {"KO": (2, D(120))})
    assert "paid from outside" in batch.warnings[0]


def test_a_split_that_is_known_of_and_booked_counts_once(store: Send) -> None:
    from investments.entries import CorporateActionEntry

    rows = ["2025-01-05,Deposit,,,,500", "2025-01-06,Buy,KO,3,60,-180", "2025-06-10,Split,KO,9,,"]
    batch = store("", data=_table(*rows), columns=COLUMNS)
    security = Security.objects.get(ticker_symbol="KO")
    assert batch.account
    assert _held(batch.account) == {"KO": (12, D(180))}
    split = CorporateActionEntry("split", date(2025, 6, 9), ratio=D(4))
    ledger.record_corporate_actions(security_ids=[security.pk], actions=[split], source="simulated")
    assert _held(batch.account) == {"KO": (12, D(180))}
    assert Holding.objects.get().institution_price == 15


def test_cash_of_another_currency_is_held(store: Send) -> None:
    batch = store("ibkr.csv")
    assert batch.account
    held = _held(batch.account)
    assert held["CUR:EUR"] == (D("-1303.4"), None)
    assert held["TSLA"] == (-5, D(-1099))
    assert held["AAPL"][0] == 24


@pytest.mark.parametrize("data", [b"PK\x03\x04rest", b"", _table('2025-01-05,"Buy,KO,1,1,-1'), b"a,b\n\0,1\n"])
def test_a_file_that_is_none_stores_nothing_and_says_why(send: Send, data: bytes) -> None:
    batch = send("", data=data or b" ", columns=COLUMNS)
    assert batch.state == State.UNREADABLE
    assert batch.message
    assert Transaction.objects.count() == 0


def test_limits_and_leftovers(send: Send, settings: Any) -> None:
    for _ in range(batches.MOST_OPEN + 2):
        batch = send("vanguard.csv")
    assert ImportBatch.objects.count() == batches.MOST_OPEN
    ImportBatch.objects.update(created_at=timezone.now() - timedelta(days=31))
    assert batches.forget_old() == batches.MOST_OPEN
    settings.IMPORT_MAX_BYTES = 10
    with pytest.raises(batches.Refused, match="more than 10 bytes"):
        send("vanguard.csv")
    assert not ImportBatch.objects.filter(pk=batch.pk).exists()


def test_an_ofx_statement_is_stored_under_the_brokers_ids(store: Send, send: Send) -> None:
    batch = store("fidelity.qfx")
    assert batch.stored_rows == 5
    assert batch.account
    # 9900 - 2404.95 + 839.98 + 2.50 - 3.25
    assert Account.objects.get(pk=batch.account_id).uninvested_cash == D("8334.28")
    assert send("fidelity.qfx", account=batch.account).known_rows == 5
    assert sample("fidelity.qfx")
