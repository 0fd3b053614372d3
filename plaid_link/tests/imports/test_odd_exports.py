"""What real exports have beside plain trades: cancellations, reorganisations, bonds, other tables, money in brackets.

The rows are made up; their form is that of exports which people have published with their own importers.
"""

from collections.abc import Callable
from decimal import Decimal

import pytest

from investments import lots
from investments.models import Holding, RealizedLot
from plaid_link.models import ImportBatch
from plaid_link.sources.csv import Draft, LeftOut, Refusal
from plaid_link.tests.imports.sample import drafts, lines, reading, sample

D = Decimal
FIDELITY = (
    "Run Date,Account,Account Number,Action,Symbol,Description,Type,Exchange Quantity,Exchange Currency,Currency,Price,"
    "Quantity,Exchange Rate,Commission,Fees,Accrued Interest,Amount,Settlement Date"
)
ROBINHOOD = (
    '"Activity Date","Process Date","Settle Date","Instrument","Description","Trans Code","Quantity","Price","Amount",'
    '"Account Type"'
)
IBKR = (
    "Statement,Header,Field Name,Field Value\nTrades,Header,DataDiscriminator,Asset Category,Currency,Symbol,Date/Time,"
    "Quantity,T. Price,C. Price,Proceeds,Comm/Fee,Basis,Realized P/L,MTM P/L,Code"
)


def fidelity(*rows: str) -> bytes:
    return "\n".join(["", "Brokerage,,,,", FIDELITY, *rows, "", "Date downloaded 12/03/2025 3:00 pm"]).encode(
        "utf-8-sig"
    )


def bought(day: str, words: str, units: str, amount: str) -> str:
    return f'{day},"Brokerage","333","{words} WASTE (WM) (Margin)",WM,"WM",Margin,0,,USD,200,{units},0,,,,{amount},'


def test_a_cancelled_trade_and_its_cancellation_are_left_out() -> None:
    """Fidelity turns the signs; a cancelled purchase read as another one would be there twice."""
    data = fidelity(
        bought("11/20/2025", "YOU BOUGHT CANCELLED TRADE", "-18", "3600"),
        bought("11/19/2025", "YOU BOUGHT", "18", "-3600"),
        bought("11/17/2025", "YOU BOUGHT", "18", "-3600"),
    )
    found = lines(data)
    # Of two equal ones the latest before the cancellation is meant.
    assert [line.reason for line in found[:2] if isinstance(line, LeftOut)] == [
        "Takes back row 5",
        "Taken back by row 4",
    ]
    (left,) = drafts(data)
    assert (left.row, left.quantity, left.amount) == (6, 18, 3600)


@pytest.mark.parametrize(
    "rows",
    [
        ('"2025-02-05, 09:31:00",10,230,231,-2300,-1,0,0,6,O', '"2025-02-05, 09:31:00",-10,230,231,2300,1,0,0,6,Ca;O'),
        ('"2025-02-05, 09:31:00",-10,230,231,2300,-1,0,0,6,C', '"2025-02-06, 09:31:00",10,230,231,-2300,1,0,0,6,C;Ca'),
    ],
)  # fmt: skip
def test_interactive_brokers_marks_them_with_a_code(rows: tuple[str, str]) -> None:
    data = "\n".join([IBKR, *(f"Trades,Data,Order,Stocks,USD,AAPL,{row}" for row in rows)]).encode()
    assert [type(line) for line in lines(data)] == [LeftOut, LeftOut]


def test_robinhood_has_codes_for_them_and_more_columns_than_it_says() -> None:
    data = "\n".join([
        ROBINHOOD,
        '"7/15/2025","7/15/2025","7/15/2025","TSLA","Tesla","BCXL","5","$200.00","$1,000.00","Individual"',
        '"7/15/2025","7/15/2025","7/15/2025","TSLA","Tesla","Buy","5","$200.00","($1,000.00)","Individual"',
        '"7/14/2025","7/14/2025","7/14/2025","TSLA","Tesla","Buy","2","$200.00","($400.00)","Individual"',
        '""', '"","","","","","","","","The data provided is for informational purposes only."',
    ]).encode()  # fmt: skip
    (left,) = drafts(data)
    assert (left.quantity, left.amount) == (2, 400)


def test_a_cancellation_of_what_is_not_there_is_refused() -> None:
    (refused, _) = lines(fidelity(bought("11/20/2025", "YOU BOUGHT CANCELLED TRADE", "-18", "3600")))
    assert isinstance(refused, Refusal)
    assert (refused.row, refused.column) == (4, "Action")
    assert "a trade that this file does not have" in refused.message


def test_a_bond_is_priced_by_one_of_par_whatever_interest_is_paid_with_it() -> None:
    """55,000 of par at 90.67 per 100 are 49,868.50; 285.69 of interest were paid with them."""
    words = "YOU BOUGHT HARDIN CNTY OHIO 05.50000% 05/01/2050 (Cash)"
    row = f'12/04/2025,"B","333","{words}",412003AD7,"HARDIN",Cash,0,,USD,90.67,55000,0,,,285.69,-50154.19,'
    (bond,) = drafts(fidelity(row))
    assert (bond.price, bond.quantity * bond.price, bond.amount) == (D("0.9067"), D("49868.5"), D("50154.19"))


def test_interest_of_municipal_bonds_is_known() -> None:
    row = '12/01/2025,"B","333","MUNI EXEMPT INT WHEAT RIDGE (Cash)",96255NBE8,"WHEAT",Cash,0,,USD,,0.000,0,,,,1250,'
    (told,) = drafts(fidelity(row))
    assert (told.type, told.subtype, told.amount) == ("cash", "interest", -1250)


def test_contributions_to_a_529_plan_buy_units_with_money_from_outside() -> None:
    data = (
        "Account Number,Trade Date,Process Date,Transaction Type,Transaction Description,Investment Name,Share Price,"
        "Shares,Gross Amount,Net Amount\n"
        "535-01,06/30/2023,06/30/2023,Contribution AIP,Contribution AIP,Vanguard Target 2040,$9.51,26.2881,$250,$250\n"
    )
    (told,) = drafts(data.encode())
    assert (told.type, told.subtype, told.quantity, told.amount) == ("buy", "contribution", D("26.2881"), 250)


def test_the_transaction_history_of_interactive_brokers_is_in_the_base_currency() -> None:
    told = reading(sample("ibkr_history.csv"))
    found = list(told.lines)
    rows = [line for line in found if isinstance(line, Draft)]
    assert told.layout == "ibkr"
    assert {row.currency for row in rows} == {"GBP"}
    # All net amounts but those of exchanges: 20 - 3 + 1999 - 4003 + 13 + 5000.
    assert -sum(row.amount for row in rows) == 3026
    buy = next(row for row in rows if row.type == "buy")
    assert (buy.quantity, buy.price, buy.fees, buy.amount) == (4, 1000, 3, 4003)
    assert [line.row for line in found if isinstance(line, LeftOut)] == [9, 10]


def test_a_price_of_another_market_is_no_price_in_the_base_currency() -> None:
    row = "Transaction History,Data,2025-03-15,U1,APPLE INC,Buy,AAPL,10,200.0,-1600.0,-1.0,-1601.0"
    data = "\n".join([*sample("ibkr_history.csv").decode().splitlines()[:6], row]).encode()
    (told,) = drafts(data)
    assert (told.price, told.amount, told.currency) == (160, 1601, "GBP")


@pytest.mark.django_db
def test_a_file_of_reorganisations_leaves_the_lots_that_they_left(store: Callable[..., ImportBatch]) -> None:
    """32 shares for 320 become 1; what BSRC cost NEWH costs; FOO is sold for 1000; the bond is worth what was paid."""
    account = store("schwab_reorganised.csv").account
    assert account
    held = {str(row.security): row for row in Holding.objects.held().filter(account=account).select_related("security")}
    assert {name: (row.quantity, row.cost_basis) for name, row in held.items()} == {
        "TNXP": (1, 320), "NEWH": (1000, 100), "US TREASURY BOND 4% 11/15/2052": (25000, 24875),
    }  # fmt: skip
    assert held["US TREASURY BOND 4% 11/15/2052"].institution_value == 24875
    # 30,000 in; 500, 100, 320 and 24,875 paid; 1,000 of the buyout and 3.10 for the fraction.
    assert account.uninvested_cash == D("5208.10")
    lots.recompute_lots(owner_id=account.owner_id)
    (sold,) = RealizedLot.objects.filter(account=account)
    assert (str(sold.security), sold.quantity, sold.proceeds, sold.basis) == ("FOO", 100, 1000, 500)


@pytest.mark.django_db
def test_a_file_without_a_transaction_says_so(send: Callable[..., ImportBatch]) -> None:
    data = b"Statement,Header,Field Name,Field Value\nStatement,Data,Title,Realized Summary\nNotes,Data,1,2\n"
    batch = send(data=data)
    assert (batch.state, batch.message) == ("unreadable", "No transactions were found in this file.")


@pytest.mark.parametrize(
    ("name", "good", "bad", "column"),
    [
        ("fidelity.csv", ",,-24.76,1964.83", ",,zero,1964.83", "Amount ($)"),
        ("schwab.csv", '"$0.05","$1,987.75"', '"five","$1,987.75"', "Fees & Comm"),
        ("vanguard.csv", "VOO,-2.0000,510", "VOO,,510", "Shares"),
        ("robinhood.csv", '"$4,500.00"', '"4,50"', "Amount"),
        ("ibkr.csv", ",10,230.4,231,-2304", ",10,230.4,231,x", "Proceeds"),
        ("ibkr.csv", '"2025-02-05, 09:31:00",10,', '"2025-02-05, 09:31:00",,', "Quantity"),
        ("ibkr_history.csv", "CNX1,4.0,1000.0", "CNX1,four,1000.0", "Quantity"),
    ],
)
def test_a_refusal_names_the_column_as_the_file_does(name: str, good: str, bad: str, column: str) -> None:
    data = sample(name).decode()
    assert data.count(good) == 1
    refused = [line for line in lines(data.replace(good, bad).encode()) if isinstance(line, Refusal)]
    assert [each.column for each in refused] == [column]
    assert data.splitlines()[refused[0].row - 1].count(good) == 1
