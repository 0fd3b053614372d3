"""The local Plaid server's limits per item, and investments that are read only when they are asked for."""

from datetime import UTC, datetime, timedelta

import pytest

from plaid_link.sandbox.errors import PlaidError
from plaid_link.sandbox.rates import LIMITS, Rates
from plaid_link.sandbox.testing import PlaidServer, running

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TODAY = datetime.now(UTC).date()
TRANSACTIONS = "/investments/transactions/get"
WINDOW = {"start_date": str(TODAY - timedelta(days=700)), "end_date": str(TODAY)}
NOWHERE = "http://127.0.0.1:9/webhook"


@pytest.mark.parametrize("path", LIMITS)
def test_one_call_too_many_within_a_minute_is_told_how_long_to_wait(path: str) -> None:
    rates, (most, code) = Rates(), LIMITS[path]
    for number in range(most):
        rates.count(path, "item-1", NOON + timedelta(seconds=number))
    rates.count(path, "item-2", NOON)
    late = NOON + timedelta(seconds=40)
    for _ in range(3):
        with pytest.raises(PlaidError) as refused:
            rates.count(path, "item-1", late)
        assert (refused.value.code, refused.value.status) == (code, 429)
        assert refused.value.headers == {"Retry-After": "21"}
    rates.count(path, "item-1", NOON + timedelta(minutes=1))


def test_other_paths_and_unknown_items_are_not_counted() -> None:
    rates = Rates()
    for _ in range(100):
        rates.count("/item/get", "item-1", NOON)
        rates.count(TRANSACTIONS, None, NOON)


def test_over_http_where_the_server_is_told_to() -> None:
    with running("--rate-limits") as server:
        access, _ = server.link()
        other, _ = server.link()
        answers = [server.call("/investments/refresh", access_token=token) for token in (access, access, other)]
        assert [answer.status_code for answer in answers] == [200, 429, 200]
        assert answers[1].json()["error_code"] == "RATE_LIMIT"
        assert 0 < int(answers[1].headers["Retry-After"]) <= 60
        server.control("clock", now=(datetime.now(UTC) + timedelta(seconds=61)).isoformat())
        assert server.call("/investments/refresh", access_token=access).status_code == 200


def linked_without_investments(server: PlaidServer) -> str:
    options = {"webhook": NOWHERE, "override_username": "user_good"}
    body = {"institution_id": "ins_12", "initial_products": ["auth"], "options": options}
    public_token = server.call("/sandbox/public_token/create", **body).json()["public_token"]
    return str(server.call("/item/public_token/exchange", public_token=public_token).json()["access_token"])


def announced(server: PlaidServer) -> list[str]:
    return [webhook["body"]["webhook_code"] for webhook in server.control("seen")["webhooks"]]


def test_investments_not_asked_for_at_the_link_are_read_in_the_background_where_that_is_wanted() -> None:
    with running("--webhook-delay", "3600") as server:
        access = linked_without_investments(server)
        wanted = {"access_token": access, **WINDOW, "options": {"async_update": True}}
        for path, body in ((TRANSACTIONS, wanted), ("/investments/refresh", {"access_token": access})) * 2:
            answer = server.call(path, **body)
            assert (answer.status_code, answer.json()["error_code"]) == (400, "PRODUCT_NOT_READY")
        assert announced(server) == ["HISTORICAL_UPDATE"]
        server.control("clock", now=(datetime.now(UTC) + timedelta(hours=1, minutes=1)).isoformat())
        assert server.call(TRANSACTIONS, **wanted).json()["total_investment_transactions"] > 100
        assert "investments" in server.call("/item/get", access_token=access).json()["item"]["products"]


def test_else_the_answer_waits_for_them_and_nothing_is_announced(plaid_server: PlaidServer) -> None:
    access = linked_without_investments(plaid_server)
    answer = plaid_server.call(TRANSACTIONS, access_token=access, **WINDOW)
    assert answer.json()["total_investment_transactions"] > 100
    assert announced(plaid_server) == []
