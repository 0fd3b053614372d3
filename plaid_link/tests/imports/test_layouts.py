"""Each broker's file becomes what the broker says in its own totals, balances and words."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from investments.core.effects import deltas, effect_of
from plaid_link.sources.csv import Draft, LeftOut, Options, Refusal
from plaid_link.sources.csv.instruments import option
from plaid_link.tests.imports.sample import HEADER, drafts, generic, lines, reading, sample

D = Decimal


def _cash(found: list[Draft], currency: str = "") -> Decimal:
    """What the rows leave in cash, by the ledger's own table of effects."""
    rows = [row for row in found if not currency or row.currency == currency]
    moved = (
        deltas(type=row.type, subtype=row.subtype, quantity=row.quantity, amount=row.amount, fees=row.fees)
        for row in rows
    )
    return sum((delta.cash for delta in moved), D(0))


def _units(found: list[Draft], key: str) -> Decimal:
    return sum((row.quantity for row in found if row.instrument and row.instrument.key == key), D(0))


# The brokers' own figures: Fidelity's running balance, Schwab's total, the sums of Interactive Brokers' tables.
@pytest.mark.parametrize(
    ("name", "layout", "cash", "units"),
    [
        ("fidelity.csv", "fidelity", "1964.83", {"VTI": "28.09", "AAPL250620C00250000": "0"}),
        ("schwab.csv", "schwab", "4686.92", {"IBKR": "40", "AAPL": "15", "AAPL250620P00210000": "0"}),
        ("vanguard.csv", "vanguard", "2019.98", {"VTSAX": "110.5", "VOO": "0"}),
        ("robinhood.csv", "robinhood", "954.98", {"JEPQ": "20.2", "QQQ": "4", "SPY250508C00700000": "0"}),
    ],
)
def test_cash_and_units_are_what_the_broker_says(name: str, layout: str, cash: str, units: dict[str, str]) -> None:
    told = reading(sample(name))
    found = [line for line in told.lines if isinstance(line, Draft)]
    assert told.layout == layout
    assert _cash(found) == D(cash)
    assert {key: _units(found, key) for key in units} == {key: D(value) for key, value in units.items()}
    assert not [line for line in lines(sample(name)) if isinstance(line, Refusal)]


def test_interactive_brokers_tables_add_up_per_currency() -> None:
    found = drafts(sample("ibkr.csv"))
    # Proceeds -2304 + 842 + 1100 - 520, commissions 2.02 + 1 + 1.05, then the totals of the tables of cash.
    assert _cash(found, "USD") == D("-882") - D("4.07") + D("2.5") - D("0.38") + D("5.1") - D("1.2") - D("4.5") + 9500
    assert _cash(found, "EUR") == D("-1303.4")
    assert _units(found, "AAPL") == 24
    short = next(row for row in found if row.instrument and row.instrument.key == "TSLA")
    assert (short.type, short.subtype, short.quantity) == ("sell", "sell short", -5)


def test_every_kind_is_one_the_ledger_knows() -> None:
    for name in ("fidelity.csv", "schwab.csv", "vanguard.csv", "robinhood.csv", "ibkr.csv"):
        for row in drafts(sample(name)):
            assert effect_of(row.type, row.subtype).known, f"{name} row {row.row}: {row.type}/{row.subtype}"


def test_what_was_booked_later_happened_on_its_own_day() -> None:
    assert drafts(sample("schwab.csv"))[0].day == date(2025, 6, 30)


def test_sweeps_totals_and_small_print_are_left_out_with_their_reason() -> None:
    reasons = {line.reason for name in ("vanguard.csv", "schwab.csv") for line in lines(sample(name)) if _is_out(line)}
    assert reasons == {"A sweep between cash and the settlement fund", "Not a transaction: the broker's small print"}


def _is_out(line: Any) -> bool:
    return isinstance(line, LeftOut)


@pytest.mark.parametrize(
    "symbol",
    [
        "AAPL  250620C00250000",
        "-AAPL250620C250",
        "AAPL 06/20/2025 250.00 C",
        "AAPL 6/20/2025 Call $250.00",
        "AAPL 20JUN25 250 C",
    ],
)
def test_one_contract_in_every_brokers_notation(symbol: str) -> None:
    told = option(symbol)
    assert told is not None
    assert (told.key, told.underlying, told.option_type) == ("AAPL250620C00250000", "AAPL", "call")
    assert (told.strike, told.expires) == (D(250), date(2025, 6, 20))


def test_the_same_row_has_the_same_id_in_every_file_and_equal_rows_of_one_are_two() -> None:
    buy = "2025-01-05,Buy,KO,10,60.5,-605"
    first, second, other = (line for line in generic(buy, buy, "2025-01-06,Sell,KO,3,61.5,184.5"))
    (alone,) = generic(buy)
    assert isinstance(first, Draft)
    assert isinstance(second, Draft)
    assert isinstance(other, Draft)
    assert isinstance(alone, Draft)
    assert first.external_id == alone.external_id
    assert len({first.external_id, second.external_id, other.external_id}) == 3


def test_a_generic_file_is_asked_about_once_with_a_guess() -> None:
    told = reading(sample("generic_german.csv"))
    assert [question.kind for question in told.questions] == ["columns"]
    assert told.columns["date"] == "Datum"
    found = drafts(sample("generic_german.csv"), Options(columns=told.columns))
    assert [row.subtype for row in found] == ["deposit", "buy", "dividend", "sell", "withdrawal"]
    assert found[1].day == date(2025, 1, 13)
    assert _cash(found) == D("10000") - D("2456") + D("23.50") + D("1040") - D("500")


def test_words_that_nobody_knows_are_asked_about_and_remembered() -> None:
    (refused,) = generic("2025-01-05,Gutschrift,KO,,,12.5")
    assert isinstance(refused, Refusal)
    assert (refused.column, refused.code, refused.value) == ("Action", "action", "gutschrift")
    (told,) = generic("2025-01-05,Gutschrift,KO,,,12.5", actions={"gutschrift": "dividend"})
    assert isinstance(told, Draft)
    assert (told.type, told.subtype, told.amount) == ("cash", "dividend", D("-12.5"))


def test_one_account_of_several_is_read() -> None:
    head = "Run Date,Account,Action,Symbol,Description,Quantity,Price ($),Amount ($),Settlement Date"
    rows = [f"01/0{n}/2025,{account},YOU BOUGHT,KO,COCA COLA,1,60,-60," for n, account in ((2, "X1"), (3, "X2"))]
    data = "\n".join([head, *rows]).encode()
    (question,) = reading(data).questions
    assert (question.kind, question.values) == ("account", ("X1", "X2"))
    (found,) = drafts(data, Options(account="X2"))
    assert found.day == date(2025, 1, 3)


def test_a_price_stands_in_for_a_missing_amount_and_the_other_way_round() -> None:
    bought, sold = generic("2025-01-05,Buy,KO,10,60.5,", "2025-01-06,Sell,KO,4,,250")
    assert isinstance(bought, Draft)
    assert isinstance(sold, Draft)
    assert bought.amount == 605
    assert sold.price == D("62.5")


def test_a_price_that_does_not_explain_the_amount_is_remarked() -> None:
    (told,) = generic("2025-01-05,Buy,KO,10,60.5,-700")
    assert isinstance(told, Draft)
    assert told.remarks == ("quantity x price is 605, the amount is 700",)
    assert HEADER
