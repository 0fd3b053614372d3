"""Brokerages of London tell pence: kept are pounds, whichever of code and figures says so."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from plaid_link.sources.base import Snapshot
from plaid_link.sources.csv import Draft, Options
from plaid_link.sources.plaid import PlaidSource, client
from plaid_link.tests.imports.sample import drafts
from plaid_link.tests.scripted import (
    HOLDINGS,
    TRANSACTIONS,
    ScriptedPlaid,
    account,
    holding,
    holdings_answer,
    paged,
    security,
    transaction,
)

D = Decimal
START, END = date(2026, 10, 22), date(2026, 11, 21)
PENCE = [("GBX", None), ("GBp", None), (None, "GBX"), (None, "GBp")]


def code(iso: str | None, unofficial: str | None = None) -> dict[str, Any]:
    return {"iso_currency_code": iso, "unofficial_currency_code": unofficial}


def told(scripted: ScriptedPlaid, securities: list[Any], holdings: list[Any], rows: list[Any]) -> Snapshot:
    accounts = [account(balances={**code("GBP"), "current": 1020})]
    scripted.answers[HOLDINGS] = holdings_answer(*holdings, accounts=accounts, securities=securities)
    scripted.answers[TRANSACTIONS] = paged(rows, accounts=accounts, securities=securities)
    return PlaidSource(client(), "access-sandbox-secret").snapshot(start=START, end=END)


def vodafone(**given: Any) -> Any:
    return security("vod", **{"ticker_symbol": "VOD", "close_price": 102, "market_identifier_code": "XLON"} | given)


def held(price: Any, value: Any, basis: Any, **given: Any) -> Any:
    return holding("vod", quantity=1000, institution_price=price, institution_value=value, cost_basis=basis, **given)


def bought(price: Any, amount: Any, fees: Any = 0, **given: Any) -> Any:
    return transaction(security_id="vod", quantity=1000, price=price, amount=amount, fees=fees, **given)


@pytest.mark.parametrize("pence", PENCE)
def test_all_in_pence_becomes_all_in_pounds(scripted: ScriptedPlaid, pence: tuple[Any, Any]) -> None:
    found = told(
        scripted, [vodafone(**code(*pence))], [held(102, 102_000, 90_000, **code(*pence))],
        [bought(90, 90_500, 500, **code(*pence))],
    )  # fmt: skip
    (one,), (row,), (paid,) = found.securities, found.holdings, found.transactions
    assert (one.iso_currency_code, one.unofficial_currency_code, one.close_price) == ("GBP", "", D("1.02"))
    assert (row.institution_price, row.institution_value, row.cost_basis) == (D("1.02"), 1020, 900)
    assert row.source_metadata["repairs"] == [f"price and value: told in {pence[0] or pence[1]}, kept in GBP"]
    assert (paid.currency, paid.price, paid.amount, paid.fees) == ("GBP", D("0.90"), 905, 5)


@pytest.mark.parametrize("codes", [code("GBP"), code("GBX"), code(None, "GBp")])
def test_a_price_in_pence_beside_a_value_in_pounds(scripted: ScriptedPlaid, codes: dict[str, Any]) -> None:
    found = told(scripted, [vodafone(**codes)], [held(102, 1020, 900, **codes)], [bought(90, 905, 5, **codes)])
    (one,), (row,), (paid,) = found.securities, found.holdings, found.transactions
    assert (one.iso_currency_code, one.close_price) == ("GBP", D("1.02"))
    assert (row.institution_price, row.institution_value, row.cost_basis) == (D("1.02"), 1020, 900)
    assert (paid.currency, paid.price, paid.amount, paid.fees) == ("GBP", D("0.90"), 905, 5)
    assert "price: told in a hundredth, kept in GBP" in paid.repairs


def test_a_security_in_pence_that_is_held_in_pounds(scripted: ScriptedPlaid) -> None:
    """Each row has a code of its own; a holding without one has its security's."""
    listed = vodafone(**code("GBX"))
    pounds = told(scripted, [listed], [held(1.02, 1020, 900, **code("GBP"))], [])
    assert (pounds.securities[0].close_price, pounds.holdings[0].institution_price) == (D("1.02"), D("1.02"))
    assert not pounds.holdings[0].source_metadata
    silent = told(scripted, [listed], [held(102, 102_000, None, **code(None))], [])
    assert (silent.holdings[0].institution_value, silent.holdings[0].cost_basis) == (1020, None)


def test_pounds_and_what_only_looks_like_pence_stay(scripted: ScriptedPlaid) -> None:
    """A gilt is quoted per 100 of par; dollars have no hundredth that anybody quotes in."""
    gilt = security("vod", type="fixed income", close_price=98, **code("GBP"))
    found = told(scripted, [gilt], [held(98, 980, 950, **code("GBP"))], [bought(95, 950, **code("GBP"))])
    assert found.holdings[0].institution_price == 98
    assert found.transactions[0].price == 95
    assert found.securities[0].close_price == 98
    plain = told(scripted, [vodafone(close_price=1.02, **code("GBP"))], [held(1.02, 1020, 900, **code("GBP"))], [])
    assert plain.holdings[0].institution_price == plain.securities[0].close_price == D("1.02")
    dollars = told(scripted, [vodafone(**code("USD"))], [held(102, 1020, 900, **code("USD"))], [])
    assert dollars.holdings[0].institution_price == 102


def test_balances_in_pence(scripted: ScriptedPlaid) -> None:
    accounts = [account(balances={**code(None, "GBp"), "current": 5000, "available": 5000})]
    scripted.answers[HOLDINGS] = holdings_answer(accounts=accounts, securities=[])
    scripted.answers[TRANSACTIONS] = paged([], accounts=accounts, securities=[])
    (found,) = PlaidSource(client(), "access-sandbox-secret").snapshot(start=START, end=END).accounts
    assert (found.currency, found.balance_current, found.uninvested_cash) == ("GBP", 50, 50)


class TestFiles:
    HEAD = "Date,Action,Symbol,Quantity,Price,Amount,Currency"

    def draft(self, row: str) -> Draft:
        columns = {name.lower(): name for name in self.HEAD.split(",")}
        (found,) = drafts(f"{self.HEAD}\n{row}".encode(), Options(columns=columns))
        return found

    @pytest.mark.parametrize(("currency", "price", "amount"), [
        ("GBp", 90, 90_000), ("GBX", 90, 90_000), ("GBX", 90, 900), ("GBP", 90, 900), ("GBP", "0.90", 900),
    ])  # fmt: skip
    def test_a_row_in_pence_is_kept_in_pounds(self, currency: str, price: Any, amount: Any) -> None:
        row = self.draft(f"2025-01-05,Buy,VOD,1000,{price},-{amount},{currency}")
        assert (row.currency, row.price, row.amount) == ("GBP", D("0.9"), 900)

    def test_dollars_stay(self) -> None:
        row = self.draft("2025-01-05,Buy,VOD,1000,90,-900,USD")
        assert (row.currency, row.price, row.amount) == ("USD", 90, 900)
