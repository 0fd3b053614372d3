"""`load_prices FILE.csv`: all rows or none, and a sentence that says where a file is wrong."""

from datetime import date
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from history.market.prices import ensure_prices
from history.market.symbols import map_securities
from history.models import AccountHistory, MarketSymbol, Price, SymbolAction
from history.providers import DataProviderChain
from history.reconstruction.rebuild import rebuild_accounts
from history.tests.ledgers import book, holding, noon, state_of, stock
from history.tests.providers import Listed
from investments.models import CorporateAction, Security

pytestmark = pytest.mark.django_db

HEADER = "symbol,date,open,high,low,close,adj_close,volume,split_ratio,dividend\n"
GOOD = (
    HEADER
    + "GE,2021-07-30,13.00,13.10,12.90,12.95,101.2,1000,,\n"
    + "GE,2021-08-02,104.00,106.00,103.00,105.25,105.25,900,0.125,\n"
    + "XYZ,2021-08-02,,,,0.00001234,,,,0.05\n"
)


@pytest.fixture
def load(tmp_path: Path) -> Any:
    def run(text: str | bytes) -> str:
        file, out = tmp_path / "prices.csv", StringIO()
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        call_command("load_prices", str(file), stdout=out)
        return out.getvalue()

    return run


def test_prices_splits_and_dividends_are_stored(load: Any) -> None:
    assert load(GOOD).startswith("3 rows of 2 symbols read, 3 prices new or changed")
    price = Price.objects.get(symbol__symbol="GE", day=date(2021, 7, 30))
    assert (price.open, price.high, price.low, price.close) == (13, Decimal("13.1"), Decimal("12.9"), Decimal("12.95"))
    assert (price.adj_close, price.volume, price.source) == (Decimal("101.2"), 1000, "file")
    assert Price.objects.get(symbol__symbol="XYZ").close == Decimal("0.00001234")
    actions = SymbolAction.objects.order_by("symbol__symbol").values_list("symbol__symbol", "ratio", "cash_per_unit")
    assert list(actions) == [("GE", Decimal("0.125"), None), ("XYZ", None, Decimal("0.05"))]


def test_loading_twice_changes_nothing(load: Any) -> None:
    load(GOOD)
    assert "3 rows of 2 symbols read, 0 prices new or changed" in load(GOOD)


def test_a_corrected_file_overwrites(load: Any) -> None:
    load(GOOD)
    assert "1 prices new or changed" in load(GOOD.replace("105.25,105.25", "105.50,105.25"))
    assert Price.objects.get(symbol__symbol="GE", day=date(2021, 8, 2)).close == Decimal("105.5")


def test_a_byte_order_mark_and_other_column_orders_are_read(load: Any) -> None:
    assert load(b"\xef\xbb\xbfclose,date,symbol\r\n5,2024-01-02, aapl \r\n").startswith("1 rows")
    assert Price.objects.get(symbol__symbol="AAPL").close == 5


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ("GE,2021-02-30,,,,5,,,,", "Row 2, column date: '2021-02-30' is not a date"),
        ("GE,2021-01-04,,,,,,,,", "Row 2, column close: it is empty"),
        ("GE,2021-01-04,,,,five,,,,", "Row 2, column close: 'five' is not a number"),
        ("GE,2021-01-04,,,,-5,,,,", "Row 2, column close: '-5' cannot be"),
        ("GE,2021-01-04,,,,0,,,,", "Row 2, column close: '0' cannot be"),
        ("GE,2021-01-04,,,,NaN,,,,", "Row 2, column close: 'NaN' cannot be"),
        ("GE,2021-01-04,x,,,5,,,,", "Row 2, column open: 'x' is not a number"),
        ("GE,2021-01-04,,,,5,,,0,", "Row 2, column split_ratio: '0' cannot be"),
        ("GE,2021-01-04,,,,5,,,,\n,2021-01-05,,,,5,,,,", "Row 3, column symbol: '' is not a symbol"),
        ("GE,2021-01-04,,,,5,,,,\nGE,2021-01-04,,,,6,,,,", "Row 3, column date: 2021-01-04 is there already, in row 2"),
        ("GE,2021-01-04,,,,5,,,,\nGE,2021-01-05,,,,51,,,,\nGE,2021-01-06,,,,5,,,,", "Row 3, column close: GE at 51"),
        (
            "GE,2021-01-04,,,,5,,,,\nGE,2021-01-05,,,,5,,,,\nGE,2021-01-06,,,,52,,,,\nGE,2021-01-07,,,,53,,,,",
            "Row 4, column close: GE at 52",
        ),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_stored(load: Any, rows: str, complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint):
        load(HEADER + rows + "\n")
    assert not Price.objects.exists()
    assert not MarketSymbol.objects.exists()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("symbol,close\nGE,5\n", "there is no column date"),
        ("", "there is no column symbol, date, close"),
        (HEADER, "no rows"),
        (HEADER.encode() + b"GE,2021-01-04,\xff,,,5,,,,\n", "not UTF-8"),
    ],
)
def test_a_file_that_is_none_is_refused(load: Any, text: Any, complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint):
        load(text)


def test_a_missing_file_is_told() -> None:
    with pytest.raises(CommandError, match="No such file"):
        call_command("load_prices", "nowhere.csv")


def test_what_a_file_told_is_not_asked_of_a_provider(load: Any) -> None:
    load(GOOD)
    provider = Listed({"GE": "77"})
    symbol = MarketSymbol.objects.get(symbol="GE")
    ensure_prices(
        symbol_ids=[symbol.pk], start=date(2021, 7, 30), end=date(2021, 8, 2), chain=DataProviderChain([provider])
    )
    assert provider.asked == []


def test_accounts_concerned_get_the_splits_and_are_rebuilt(load: Any, owner: Any, settings: Any) -> None:
    settings.MARKET_DATA_PROVIDERS = ["stored"]
    on, ge = date(2021, 8, 3), stock("GE")
    account = book(owner, securities=[ge], holdings=[holding(ge, 10, 100, as_of=date(2021, 8, 1))], on=on)
    other = book(owner, "Other", holdings=[], on=on)
    map_securities(security_ids=Security.objects.values_list("pk", flat=True))
    rebuild_accounts(account_ids=[account.pk, other.pk], now=noon(on))
    assert "1 accounts will be rebuilt" in load(GOOD)
    assert CorporateAction.objects.get(security__external_id="GE").ratio == Decimal("0.125")
    assert state_of(account).processed_version == -1
    assert state_of(other).state == AccountHistory.State.READY
