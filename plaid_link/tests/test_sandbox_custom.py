"""Custom users: Plaid's own example, and fields that only tests would send."""

import json
from datetime import date, timedelta

import pytest
from django.conf import settings

from plaid_link.tests.openapi import PlaidContract

EXAMPLE = settings.REFERENCE_DATA / "plaid" / "custom-users" / "brokerage_custom_user.json"
HOLDINGS = "/investments/holdings/get"
TRANSACTIONS = "/investments/transactions/get"
TODAY = date.today()  # noqa: DTZ011


def one_account(**account):
    return {"override_accounts": [{"type": "investment", "subtype": "brokerage", **account}]}


def holding(ticker="AAPL", **fields):
    return {"institution_price": 10, "quantity": 2, "currency": "USD", "security": {"ticker_symbol": ticker}, **fields}


def window(server, access):
    start = str(TODAY - timedelta(days=700))
    return server.call(TRANSACTIONS, access_token=access, start_date=start, end_date=str(TODAY))


def test_plaids_own_example(plaid_server):
    if not EXAMPLE.exists():
        pytest.skip("Plaid's custom user is not there: set LONGVIEW_REFERENCE_DATA")
    example = json.loads(EXAMPLE.read_text())
    contract = PlaidContract(settings.REFERENCE_DATA)
    access, _ = plaid_server.link(custom=example)
    given = example["override_accounts"][0]
    held = plaid_server.call(HOLDINGS, access_token=access).json()
    assert contract.errors(HOLDINGS, 200, held) == []
    assert [row["quantity"] for row in held["holdings"]] == [row["quantity"] for row in given["holdings"]]
    assert [row["cost_basis"] for row in held["holdings"]] == [row.get("cost_basis") for row in given["holdings"]]
    assert held["accounts"][0]["name"] == "Brokerage Test Account"
    assert held["accounts"][0]["balances"]["current"] == 120
    types = {row["ticker_symbol"]: row["type"] for row in held["securities"]}
    assert (types["AAPL"], types["CUR:BTC"]) == ("equity", "cryptocurrency")
    rows = window(plaid_server, access).json()
    assert contract.errors(TRANSACTIONS, 200, rows) == []
    assert {row["type"] for row in rows["investment_transactions"]} <= {"buy", "sell", "cash", "fee", "transfer"}


def test_amounts_follow_the_type(plaid_server):
    trade = {"date": str(TODAY), "name": "", "quantity": 10, "price": 3, "fees": 1, "security": {"ticker_symbol": "F"}}
    rows = [{**trade, "type": kind} for kind in ("buy", "sell")]
    access, _ = plaid_server.link(custom=one_account(investment_transactions=rows))
    shown = {row["type"]: row["amount"] for row in window(plaid_server, access).json()["investment_transactions"]}
    assert shown == {"buy": 31, "sell": -29}


def test_values_are_worked_out_and_options_count_a_hundred(plaid_server):
    custom = one_account(holdings=[holding(), holding("AAPL270115C00300000")])
    access, _ = plaid_server.link(custom=custom)
    answer = plaid_server.call(HOLDINGS, access_token=access).json()
    assert [row["institution_value"] for row in answer["holdings"]] == [20, 2000]
    assert answer["securities"][1]["option_contract"]["underlying_security_ticker"] == "AAPL"
    assert answer["accounts"][0]["balances"]["current"] == 2020


def test_fields_of_the_answer_pass_through(plaid_server):
    security = {"ticker_symbol": None, "name": "Oddity", "type": "art", "security_id": "CaseSensitive"}
    odd = holding(security=security, institution_value=1234.5678, iso_currency_code=None, unofficial_currency_code=None)
    access, _ = plaid_server.link(custom=one_account(holdings=[odd]))
    answer = plaid_server.call(HOLDINGS, access_token=access).json()
    assert answer["holdings"][0]["institution_value"] == 1234.5678
    assert answer["holdings"][0]["iso_currency_code"] is None
    assert (answer["securities"][0]["type"], answer["holdings"][0]["security_id"]) == ("art", "CaseSensitive")


def test_small_numbers_keep_their_digits(plaid_server):
    access, _ = plaid_server.link(custom=one_account(holdings=[holding("CUR:BTC", quantity=0.00293644)]))
    assert '"quantity":0.00293644,' in plaid_server.call(HOLDINGS, access_token=access).text


def test_bad_configurations(plaid_server):
    def create(password):
        options = {"override_username": "user_custom", "override_password": password}
        body = {"institution_id": "ins_12", "initial_products": ["investments"], "options": options}
        return plaid_server.call("/sandbox/public_token/create", **body).json().get("error_code")

    assert create("{") == "INVALID_FIELD"
    assert create("[]") == "INVALID_FIELD"
    assert create(json.dumps(one_account(holdings=[holding(quantity="many")]))) == "INVALID_FIELD"
    assert create(json.dumps({"force_error": "ITEM_LOCKED"})) == "ITEM_LOCKED"
    assert create("{}") is None


def test_an_unknown_user_has_no_credentials(plaid_server):
    body = {"institution_id": "ins_12", "initial_products": ["investments"], "options": {"override_username": "user_x"}}
    assert plaid_server.call("/sandbox/public_token/create", **body).json()["error_code"] == "INVALID_CREDENTIALS"
