from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from investments import ledger
from investments.entries import AccountEntry, HoldingEntry, InstitutionEntry, SecurityEntry
from investments.models import Holding, Security
from tests.fixtures import NOW

LISTED = {"ticker_symbol": "AAPL", "market_identifier_code": "XNAS", "type": "equity", "iso_currency_code": "USD"}
CALL = {
    "type": "derivative",
    "option_contract_type": "call",
    "option_strike_price": Decimal("180.00"),
    "option_expiration_date": date(2027, 1, 15),
    "option_underlying_ticker": "AAPL",
}
SAME = [
    ({"cusip": "037833100"}, {"cusip": "037833100"}),
    ({"isin": "US0378331005"}, {"isin": "US0378331005"}),
    (LISTED, {**LISTED, "name": "Apple"}),
    (CALL, {**CALL, "option_strike_price": Decimal(180)}),
    ({"type": "cash", "ticker_symbol": "CUR:USD"}, {"type": "cash", "ticker_symbol": "CUR:USD"}),
    ({"name": "Growth Trust"}, {"name": "Growth Trust", "proxy_external_id": "old"}),
    ({"ticker_symbol": "AAPL", "proxy_external_id": "new"}, {"ticker_symbol": "AAPL"}),
]
DIFFERENT = [
    ({"ticker_symbol": "AAPL"}, {"ticker_symbol": "AAPL"}),
    (LISTED, {**LISTED, "market_identifier_code": "XLON"}),
    (LISTED, {**LISTED, "type": "etf"}),
    ({**LISTED, "cusip": "037833100"}, {**LISTED, "cusip": "999999999"}),
    ({"cusip": "037833100", "isin": "US0378331005"}, {"cusip": "037833100", "isin": "US9999999999"}),
    (CALL, {**CALL, "option_strike_price": Decimal(185)}),
    (CALL, {**CALL, "option_contract_type": "put"}),
    ({"name": "Growth Fund"}, {"name": "Growth Trust", "proxy_external_id": "old"}),
    ({"type": "cash", "ticker_symbol": "CUR:USD"}, {"type": "cryptocurrency", "ticker_symbol": "CUR:USD"}),
    ({"name": "Private"}, {"name": "Private"}),
]


def tell(*entries: SecurityEntry) -> ledger.SecuritiesWritten:
    return ledger.upsert_securities(source="plaid", entries=entries)


@pytest.mark.parametrize(("old", "new"), SAME)
def test_a_new_id_of_a_known_security_is_another_id_of_it(db: Any, old: dict[str, Any], new: dict[str, Any]) -> None:
    first = tell(SecurityEntry("old", **old)).by_external_id["old"]
    written = tell(SecurityEntry("new", **new))
    assert written.by_external_id["new"] == first
    assert [(found.kind, found.row, found.field) for found in written.findings] == [
        ("repaired", "security new", "security_id")
    ]
    again = tell(SecurityEntry("new", **new))
    assert (again.by_external_id["new"], again.inserted, again.changed, again.findings) == (first, 0, 0, ())


@pytest.mark.parametrize(("old", "new"), DIFFERENT)
def test_what_only_looks_alike_stays_apart(db: Any, old: dict[str, Any], new: dict[str, Any]) -> None:
    first = tell(SecurityEntry("old", **old)).by_external_id["old"]
    assert tell(SecurityEntry("new", **new)).by_external_id["new"] != first


def test_two_ids_in_one_answer_are_one(db: Any) -> None:
    written = tell(SecurityEntry("b", **LISTED), SecurityEntry("a", **LISTED))
    assert written.by_external_id["a"] == written.by_external_id["b"]
    assert tell(SecurityEntry("b", **LISTED), SecurityEntry("a", **LISTED)).changed == 0


def test_news_told_under_the_later_id_are_of_the_first(db: Any) -> None:
    tell(SecurityEntry("old", **LISTED, close_price=Decimal(180)))
    tell(SecurityEntry("new", **LISTED, close_price=Decimal(190)))
    assert Security.objects.get(external_id="old").close_price == 190
    assert tell(SecurityEntry("new", **LISTED, close_price=Decimal(191))).changed == 1
    assert Security.objects.get(external_id="old").close_price == 191


def test_a_third_id_goes_on_under_the_first_too(db: Any) -> None:
    first = tell(SecurityEntry("one", **LISTED)).by_external_id["one"]
    tell(SecurityEntry("two", **LISTED))
    assert tell(SecurityEntry("three", **LISTED)).by_external_id["three"] == first
    assert set(first.later_ids.values_list("external_id", flat=True)) == {"two", "three"}


def test_a_position_told_under_both_ids_is_one_holding(db: Any, owner: Any) -> None:
    where = ledger.upsert_institution(entry=InstitutionEntry("ins", "Fidelity"))
    accounts = ledger.upsert_accounts(
        owner_id=owner.pk, institution=where, source="plaid", entries=[AccountEntry("acc", "Brokerage")]
    ).by_external_id
    securities = tell(SecurityEntry("old", **LISTED), SecurityEntry("new", **LISTED)).by_external_id
    rows = [
        HoldingEntry("acc", key, Decimal(units), Decimal(2), Decimal(2 * units))
        for key, units in (("old", 3), ("new", 4))
    ]
    ledger.replace_holdings(accounts=accounts, securities=securities, source="plaid", entries=rows, now=NOW)
    assert [(row.quantity, row.institution_value) for row in Holding.objects.all()] == [(7, 14)]


@pytest.mark.parametrize("count", [1, 300])
def test_takes_as_many_queries_for_many_as_for_one(db: Any, django_assert_max_num_queries: Any, count: int) -> None:
    tell(*[SecurityEntry(f"old{n}", cusip=f"{n:09}") for n in range(count)])
    with django_assert_max_num_queries(9):
        tell(*[SecurityEntry(f"new{n}", cusip=f"{n:09}") for n in range(count)])
