"""After any change, an incremental rebuild leaves what a full one would, and rewrites only the days that differ."""

import os
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from history import claims
from history.invalidation import currencies_changed, securities_changed, symbols_changed
from history.market.correction_lines import BadCorrection
from history.market.corrections import correct
from history.market.price_files import load_prices
from history.models import AccountDay, AccountHistory, Anomaly, FxRate, MarketSymbol, SecurityMapping
from history.reconstruction.rebuild import rebuild_accounts
from history.tests.ledgers import CASH, book, checksum, days_of, evening, holding, noon, row, stock
from investments import ledger
from investments.entries import CorporateActionEntry, HoldingEntry, SecurityEntry, TransactionEntry
from investments.models import Account, Security, Transaction

pytestmark = pytest.mark.django_db

CHANGES = int(os.environ.get("LONGVIEW_CHANGES", 60))

TODAY = date(2026, 11, 20)
AAPL, GE = stock("AAPL"), stock("GE")
SIEMENS = stock("SIE", iso_currency_code="EUR")
STOCKS = {"AAPL": AAPL, "GE": GE, "SIE": SIEMENS}
CALL = SecurityEntry(
    "call", ticker_symbol="XYZ1260619C00050000", type="derivative", option_contract_type="call", iso_currency_code="USD"
)
EUROS = SecurityEntry("cash-eur", ticker_symbol="CUR:EUR", type="cash", iso_currency_code="EUR")
ACTIONS = (
    "split,{},{},2", "stock_dividend,{},{},1.1", "cash_dividend,{},{},0.5", "delisting,{},{},4", "void,{},{},split",
    "price,{},{},33", "merger,{},{},0.5,AAPL,3", "merger,{},{},,,40", "spin_off,{},{},0.25,GE,0.2",
)  # fmt: skip
KINDS = (
    "buy/buy", "sell/sell", "cash/dividend", "cash/deposit", "fee/account fee", "transfer/transfer", "transfer/split",
)  # fmt: skip
Change = Any
Stored = dict[date, tuple[Any, Any]]  # where each day's row lies, and its figures


def quoted(contracts: int, days: int) -> HoldingEntry:
    """An option that only the brokerage prices, so many days ago."""
    return holding(CALL, contracts, 3, as_of=TODAY - timedelta(days=days), value=300 * contracts)


@pytest.fixture
def accounts(owner: Any, settings: Any) -> dict[str, Account]:
    """Each holds other things, so that every change touches some and spares others."""
    settings.MARKET_DATA_PROVIDERS = ["stored"]
    settings.HISTORY_DAYS = 60
    days = [TODAY - timedelta(days=number) for number in range(120)]
    rows = [f"AAPL,{day},{100 + day.day}\nGE,{day},{10 + day.month}\nSIE,{day},50" for day in days if day.weekday() < 5]
    load_prices("\n".join(["symbol,date,close", *rows]).splitlines(keepends=True))
    for back in (119, 30):
        FxRate.objects.create(base="EUR", quote="USD", day=TODAY - timedelta(days=back), rate=Decimal("1.1"),
                              source="test")  # fmt: skip
    bought = row("buy/buy", TODAY - timedelta(days=25), 1000, AAPL, 10)
    named: dict[str, Any] = {"securities": [*STOCKS.values(), CALL, EUROS], "on": TODAY}
    held = {
        "mixed": ([holding(AAPL, 10, 95, as_of=TODAY - timedelta(days=4)), holding(SIEMENS, 3, 50), holding(CASH, 500)],
                  [bought, row("cash/deposit", TODAY - timedelta(days=40), -700)]),
        "general": ([holding(GE, 20, 9, cost_basis=Decimal(180)), quoted(2, 3)], []),
        "cash": ([holding(CASH, 77), holding(EUROS, 50), quoted(1, 9)],
                 [row("cash/deposit", TODAY - timedelta(days=9), -77)]),
    }  # fmt: skip
    return {
        name: book(owner, name, holdings=holdings, transactions=rows, **named)
        for name, (holdings, rows) in held.items()
    }


day_back = st.integers(0, 70)
ticker = st.sampled_from(sorted(STOCKS))
name = st.sampled_from(["mixed", "general", "cash"])
changes = st.lists(
    st.one_of(
        st.tuples(st.just("transaction"), name, day_back, st.sampled_from(KINDS), ticker, st.integers(1, 9)),
        st.tuples(st.just("void"), name),
        st.tuples(st.just("holding"), name, ticker, st.integers(-3, 30)),
        st.tuples(st.just("split"), ticker, day_back, st.sampled_from(["2", "0.5", "3"])),
        st.tuples(st.just("price"), ticker, day_back, st.integers(1, 300)),
        st.tuples(st.just("mapping"), ticker, ticker),
        st.tuples(st.just("rate"), day_back, st.integers(50, 200)),
        st.tuples(st.just("calendar"), st.integers(1, 3)),
        st.tuples(st.just("action"), st.sampled_from(ACTIONS), st.sampled_from(["GE", "SIE"]), day_back),
        st.tuples(st.just("size"), st.sampled_from([10, 100, 150])),
        st.tuples(st.just("terms"), ticker, st.booleans()),
        st.tuples(st.just("told"), name, st.integers(0, 12), st.integers(1, 9)),
    ),
    min_size=1,
    max_size=3,
)


def record(account: Account, back: int, kind: str, symbol: str, size: int) -> None:
    sign = -1 if kind in ("sell/sell", "cash/dividend", "cash/deposit") else 1
    units = 0 if kind.startswith(("cash", "fee")) else size * (-1 if kind == "sell/sell" else 1)
    amount = 0 if kind.startswith("transfer") else sign * size * 50
    entry = row(kind, TODAY - timedelta(days=back), amount, STOCKS[symbol] if units else None, units)
    known = Security.objects.in_bulk(field_name="pk").values()
    ledger.record_transactions(
        entries=[replace_account(entry, account)], accounts={account.name: account}, source="plaid", today=TODAY,
        securities={security.external_id: security for security in known},
    )  # fmt: skip


def replace_account(entry: TransactionEntry | HoldingEntry, account: Account) -> Any:
    return replace(entry, account_external_id=account.name)


def hold(account: Account, symbol: str, units: int) -> None:
    known = {security.external_id: security for security in Security.objects.all()}
    ledger.replace_holdings(
        entries=[replace_account(holding(STOCKS[symbol], units, 40, as_of=TODAY), account)], now=noon(TODAY),
        accounts={account.name: account}, securities=known, source="plaid",
    )  # fmt: skip


def correct_price(symbol: str, back: int, close: int) -> None:
    day, pk = TODAY - timedelta(days=back), MarketSymbol.objects.get(symbol=symbol).pk
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO history_price (symbol_id, day, close, source) VALUES (%s, %s, %s, 'x') "
            "ON CONFLICT (symbol_id, day) DO UPDATE SET close = excluded.close",
            [pk, day, close],
        )
    symbols_changed([pk], day)


def apply(change: Change, accounts: dict[str, Account]) -> int:
    """The change, as whoever makes it would make it; returns by how many days the calendar went on."""
    kind, *told = change
    if kind == "transaction":
        record(accounts[told[0]], *told[1:])
    elif kind == "void":
        rows = Transaction.objects.current().filter(account=accounts[told[0]]).order_by("pk")[:1]
        ledger.void_transactions(transaction_ids=[found.pk for found in rows])
    elif kind == "holding":
        hold(accounts[told[0]], *told[1:])
    elif kind == "split":
        ledger.record_corporate_actions(
            security_ids=[Security.objects.get(external_id=told[0]).pk], source="test",
            actions=[CorporateActionEntry("split", TODAY - timedelta(days=told[1]), Decimal(told[2]))],
        )  # fmt: skip
    elif kind == "price":
        correct_price(*told)
    elif kind == "mapping":
        security = Security.objects.get(external_id=told[0])
        SecurityMapping.objects.filter(security=security).update(symbol=MarketSymbol.objects.get(symbol=told[1]))
        securities_changed([security.pk], TODAY)
    elif kind == "rate":
        day = TODAY - timedelta(days=told[0])
        FxRate.objects.update_or_create(base="EUR", quote="USD", day=day,
                                        defaults={"rate": Decimal(told[1]) / 100, "source": "test"})  # fmt: skip
        currencies_changed([("EUR", "USD")], day)
    else:
        APPLY.get(kind, _nothing)(accounts, *told)
    return told[0] if kind == "calendar" else 0


def _nothing(accounts: dict[str, Account], *told: Any) -> None:
    """A day more changes nothing by itself."""


def act(accounts: dict[str, Account], line: str, symbol: str, back: int) -> None:
    with suppress(BadCorrection):  # nothing to void
        correct(text=line.format(symbol, TODAY - timedelta(days=back)), reason="Test", operator="op@example.com")


def size_contract(accounts: dict[str, Account], size: int) -> None:
    correct(text=f"contract_size,{CALL.ticker_symbol},{TODAY},{size}", reason="Test", operator="op@example.com")


def restate(accounts: dict[str, Account], symbol: str, is_cash: bool) -> None:
    ledger.upsert_securities(source="plaid", entries=[replace(STOCKS[symbol], is_cash_equivalent=is_cash)])


def tell_price(accounts: dict[str, Account], name: str, back: int, price: int) -> None:
    """What the account's brokerage says of the option now, beside all else that it holds."""
    account = accounts[name]
    known = {security.pk: security for security in Security.objects.all()}
    held = [
        HoldingEntry(
            name, known[row.security_id].external_id, row.quantity, row.institution_price, row.institution_value,
            institution_price_as_of=row.institution_price_as_of, cost_basis=row.cost_basis,
        )
        for row in account.holdings.filter(removed_at=None).exclude(security__external_id="call")
    ]  # fmt: skip
    call = replace_account(holding(CALL, 2, price, as_of=TODAY - timedelta(days=back), value=price * 200), account)
    ledger.replace_holdings(
        entries=[*held, call], accounts={name: account}, source="plaid", now=noon(TODAY),
        securities={security.external_id: security for security in known.values()},
    )  # fmt: skip


APPLY: dict[str, Any] = {"action": act, "size": size_contract, "terms": restate, "told": tell_price}


def everything(ids: list[int]) -> tuple[Any, ...]:
    """All that a rebuild leaves, but for when it ran, and the mean quality as of then: a day appended has its own."""
    oddities = Anomaly.objects.order_by("account", "kind", "security", "day", "size")
    histories = AccountHistory.objects.order_by("pk")
    return (
        checksum(ids),
        list(oddities.values_list("account", "kind", "security", "day", "size")),
        list(histories.values_list("pk", "state", "first_day", "last_day", "stale_from")),
    )


def rows_of(account: Account) -> dict[date, tuple[Any, ...]]:
    """Where each day's row lies: a row that is written again lies elsewhere."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT day, tableoid, ctid, xmin FROM history_accountday WHERE account_id = %s", [account.pk])
        return {day: place for day, *place in cursor.fetchall()}


def stored(accounts: dict[str, Account]) -> dict[str, Stored]:
    return {name: _stored(account) for name, account in accounts.items()}


def _stored(account: Account) -> Stored:
    figures = days_of(account)
    return {day: (place, figures[day]) for day, place in rows_of(account).items()}


def rewritten(before: Stored, after: Stored) -> set[date]:
    return {day for day, (place, _) in after.items() if day not in before or before[day][0] != place}


def differing(before: Stored, after: Stored) -> set[date]:
    return {day for day, (_, told) in after.items() if day not in before or before[day][1] != told}


def test_incremental_equals_full_and_writes_nothing_else(accounts: dict[str, Account]) -> None:
    ids = [account.pk for account in accounts.values()]
    rebuild_accounts(account_ids=ids, now=evening(TODAY))

    @settings(max_examples=CHANGES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(made=changes)
    def holds(made: list[Change]) -> None:
        with transaction.atomic():
            now = evening(TODAY)
            before = stored(accounts)
            for change in made:
                now += timedelta(days=apply(change, accounts))
            assert not rebuild_accounts(account_ids=ids, now=now).failed
            incremental, after = everything(ids), stored(accounts)
            for account in accounts:
                assert rewritten(before[account], after[account]) == differing(before[account], after[account])
            claims.restart(account_ids=ids)
            assert not rebuild_accounts(account_ids=ids, now=now).failed
            assert everything(ids) == incremental
            transaction.set_rollback(True)

    holds()


def test_a_full_rebuild_replaces_what_was_put_there_by_hand(accounts: dict[str, Account]) -> None:
    """And so does an incremental one, as it compares with what is there."""
    ids = [account.pk for account in accounts.values()]
    rebuild_accounts(account_ids=ids, now=evening(TODAY))
    right = checksum(ids)
    for restart in (True, False):
        AccountDay.objects.filter(account=ids[0], day=TODAY - timedelta(days=20)).update(value=1)
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM history_accountday WHERE account_id = %s AND day < %s",
                           [ids[1], TODAY - timedelta(days=50)])  # fmt: skip
        if restart:
            claims.restart(account_ids=ids)
        else:
            Account.objects.update(ledger_version=99)
        rebuild_accounts(account_ids=ids, now=evening(TODAY))
        assert checksum(ids) == right
