"""The four routes as a table: what is asked, how Plaid stands, and the whole answer that comes back."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from investments.models import Account
from plaid_link.models import Item
from plaid_link.tests.scripted import (
    HOLDINGS,
    TRANSACTIONS,
    Raw,
    ScriptedPlaid,
    account,
    error,
    holding,
    holdings_answer,
    transactions_answer,
)
from plaid_link.tokens import seal_token

ROUTE = "/api/plaid/investments/"
ITEM, TOKEN = "item-1", "public-sandbox-1"
LINK_TOKEN, EXCHANGE, REFRESH, REFRESH_ALL = (
    f"{ROUTE}{name}" for name in ("generate_link_token", "exchange_public_token", "refresh", "refresh_all")
)
CREATE, SWAP = "/link/token/create", "/item/public_token/exchange"
EVERY = (LINK_TOKEN, EXCHANGE, REFRESH, REFRESH_ALL)

TODAY = timezone.now().date()
LAST_30_DAYS = {"start_date": str(TODAY - timedelta(days=30)), "end_date": str(TODAY)}
SOME_DAYS = {"start_date": "2026-01-28", "end_date": "2026-02-27"}
UPSERTS = {"securities": 1, "holdings": 1, "investment_transactions": 1}
NOTHING = dict.fromkeys(UPSERTS, 0)

NOT_THERE = {"error": "Investments account not found"}
TRY_AGAIN = {"error": "The institution does not answer at the moment. It is tried again by itself."}
SIGN_IN = {"error": "Sign in to this institution again to go on."}
SLOW_DOWN = {"error": "Refreshed very often just now. It is tried again by itself in a few minutes."}
UNREADABLE = {"error": "The institution's answer could not be read. What was known is kept; it is tried again."}
OURS = {"error": "Linking is not set up correctly on our side. Nothing is lost; we are told of it."}
EXPIRED = {"error": "This sign-in has expired. Start linking again."}
NONE_HELD = {"error": "No investment account was found at this login. Link one that holds investments."}
UNFORESEEN = {"error": "Something went wrong on our side. Nothing was changed; try again."}
GONE = {"error": "This connection no longer exists. Link the institution again."}

NO_ACCOUNTS = {"accounts": [account(type="depository")]}
HTML = Raw(b"<h1>Bad Gateway</h1>")
DOWN = error("INTERNAL_SERVER_ERROR", status=500)
LIMITED = error("INVESTMENT_HOLDINGS_GET_LIMIT", status=429, headers={"Retry-After": "7"})


@dataclass(frozen=True, slots=True)
class Case:
    """`body` without `user_id` is completed with the caller's. `plaid`: what is answered otherwise than well."""

    route: str
    status: int
    answer: dict[str, Any]
    body: dict[str, Any] | None = None
    plaid: dict[str, Any] | None = None


CASES = {
    "a link token": Case(LINK_TOKEN, 200, {"status": "success", "link_token": "link-sandbox-1"}),
    "a link token to repair": Case(
        LINK_TOKEN, 200, {"status": "success", "link_token": "link-sandbox-1"}, {"item_id": ITEM}
    ),
    "no user": Case(LINK_TOKEN, 400, {"error": "Missing user_id"}, {"user_id": None}),
    "a repair of nothing": Case(LINK_TOKEN, 404, NOT_THERE, {"item_id": "item-9"}),
    "a user who is not there": Case(LINK_TOKEN, 404, {"error": "User not found"}, {"user_id": 999_999}),
    "Plaid is down": Case(LINK_TOKEN, 500, TRY_AGAIN, plaid={CREATE: DOWN}),
    "our keys are wrong": Case(LINK_TOKEN, 500, OURS, plaid={CREATE: error("INVALID_API_KEYS")}),
    "a page instead of a token": Case(LINK_TOKEN, 500, UNREADABLE, plaid={CREATE: HTML}),
    "an answer without a token": Case(LINK_TOKEN, 500, UNREADABLE, plaid={CREATE: {}}),
    "no public token": Case(EXCHANGE, 400, {"error": "Missing user_id or public_token"}),
    "a public token that is no text": Case(EXCHANGE, 400, {"error": "public_token must be text"}, {"public_token": 1}),
    "a public token of another": Case(
        EXCHANGE, 404, {"error": "User not found"}, {"public_token": TOKEN, "user_id": 999_999}
    ),
    "a public token that is spent": Case(
        EXCHANGE, 500, EXPIRED, {"public_token": TOKEN}, {SWAP: error("INVALID_PUBLIC_TOKEN")}
    ),
    "no access token": Case(
        EXCHANGE, 500, {"error": "Failed to exchange public token"}, {"public_token": TOKEN}, {SWAP: {"item_id": "i"}}
    ),
    "no item id": Case(
        EXCHANGE,
        500,
        {"error": "Failed to exchange public token"},
        {"public_token": TOKEN},
        {SWAP: {"access_token": "a"}},
    ),
    "a login without investments": Case(
        EXCHANGE, 500, NONE_HELD, {"public_token": TOKEN}, {"/accounts/get": NO_ACCOUNTS}
    ),
    "Plaid fails half-way": Case(EXCHANGE, 500, TRY_AGAIN, {"public_token": TOKEN}, {"/item/get": DOWN}),
    "a refresh": Case(REFRESH, 200, {"status": "success", "upserts": UPSERTS}, {"item_id": ITEM}),
    "no item": Case(REFRESH, 400, {"error": "Missing user_id or item_id"}),
    "an item that is not there": Case(REFRESH, 404, NOT_THERE, {"item_id": "item-9"}),
    "another's user id": Case(REFRESH, 404, {"error": "User not found"}, {"item_id": ITEM, "user_id": 999_999}),
    "a day that is none": Case(
        REFRESH, 400, {"error": "start_date must be a date, YYYY-MM-DD"}, {"item_id": ITEM, "start_date": "2026-02-30"}
    ),
    "an end that is none": Case(
        REFRESH, 400, {"error": "end_date must be a date, YYYY-MM-DD"}, {"item_id": ITEM, "end_date": "tomorrow"}
    ),
    "days the wrong way round": Case(
        REFRESH,
        400,
        {"error": "start_date must not be after end_date"},
        {"item_id": ITEM, "start_date": "2026-02-28", "end_date": "2026-02-27"},
    ),
    "a login that needs its user": Case(
        REFRESH, 500, SIGN_IN, {"item_id": ITEM}, {HOLDINGS: error("ITEM_LOGIN_REQUIRED")}
    ),
    "too often": Case(REFRESH, 500, SLOW_DOWN, {"item_id": ITEM}, {HOLDINGS: LIMITED}),
    "garbage in mid sync": Case(REFRESH, 500, UNREADABLE, {"item_id": ITEM}, {TRANSACTIONS: HTML}),
    "an access that is gone": Case(REFRESH, 500, GONE, {"item_id": ITEM}, {HOLDINGS: error("ITEM_NOT_FOUND")}),
    "everything": Case(
        REFRESH_ALL, 200, {"status": "success", "summary": {**UPSERTS, "items": 1}, "range": LAST_30_DAYS}
    ),
    "everything of some days": Case(
        REFRESH_ALL, 200, {"status": "success", "summary": {**UPSERTS, "items": 1}, "range": SOME_DAYS}, SOME_DAYS
    ),
    "everything fails": Case(
        REFRESH_ALL,
        200,
        {"status": "success", "summary": {**NOTHING, "items": 0, "failed": 1}, "range": LAST_30_DAYS},
        plaid={HOLDINGS: DOWN},
    ),
    "everything of a day that is none": Case(
        REFRESH_ALL, 400, {"error": "start_date must be a date, YYYY-MM-DD"}, {"start_date": 20260101}
    ),
}


@pytest.fixture
def plaid(scripted: ScriptedPlaid, owner: Any, item: Item) -> ScriptedPlaid:
    """A Plaid where everything goes well, and one linked item that has not been read."""
    institution = {"institution_id": "ins_1", "name": "First Platypus"}
    scripted.answers |= {
        CREATE: {"link_token": "link-sandbox-1"},
        SWAP: {"access_token": "access-sandbox-2", "item_id": "item-2"},
        "/item/get": {"item": {"institution_id": "ins_1"}},
        "/institutions/get_by_id": {"institution": institution},
        "/accounts/get": {"accounts": [account("new", mask="9999")]},
        "/item/remove": {},
    }
    return scripted


@pytest.fixture
def ask(owner: Any) -> Callable[..., Any]:
    client = Client(raise_request_exception=False)
    client.force_login(owner)

    def asked(route: str, body: dict[str, Any] | None = None) -> Any:
        return client.post(route, {"user_id": owner.pk, **(body or {})}, content_type="application/json")

    return asked


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_answer_is_exactly(case: Case, plaid: ScriptedPlaid, ask: Callable[..., Any]) -> None:
    plaid.answers |= case.plaid or {}
    answer = ask(case.route, case.body)
    assert (answer.status_code, answer.json()) == (case.status, case.answer)


def test_every_status_of_the_contract_is_in_the_table() -> None:
    told = {route: {case.status for case in CASES.values() if case.route == route} for route in EVERY}
    assert told[LINK_TOKEN] >= {200, 400, 404, 500}
    assert told[EXCHANGE] >= {400, 404, 500}
    assert told[REFRESH] >= {200, 400, 404, 500}
    assert told[REFRESH_ALL] >= {200, 400}


@pytest.mark.parametrize("given", [{}, {"start_date": "2026-01-28"}, {"end_date": "2026-02-27"}, {"start_date": ""}])
@pytest.mark.parametrize("route", [REFRESH, REFRESH_ALL])
def test_without_both_dates_plaid_is_asked_for_the_last_30_days(
    plaid: ScriptedPlaid, ask: Callable[..., Any], route: str, given: dict[str, str]
) -> None:
    assert ask(route, {"item_id": ITEM, **given}).status_code == 200
    (asked,) = plaid.asked_of(TRANSACTIONS)
    assert {name: asked[name] for name in LAST_30_DAYS} == LAST_30_DAYS


@pytest.mark.parametrize("route", [REFRESH, REFRESH_ALL])
def test_with_both_plaid_is_asked_for_those(plaid: ScriptedPlaid, ask: Callable[..., Any], route: str) -> None:
    assert ask(route, {"item_id": ITEM, **SOME_DAYS}).status_code == 200
    (asked,) = plaid.asked_of(TRANSACTIONS)
    assert {name: asked[name] for name in SOME_DAYS} == SOME_DAYS


def test_whoever_is_too_early_is_told_when_to_come_back(plaid: ScriptedPlaid, ask: Callable[..., Any]) -> None:
    plaid.answers[HOLDINGS] = LIMITED
    assert ask(REFRESH, {"item_id": ITEM})["Retry-After"] == "7"


def test_of_two_items_the_one_that_fails_is_logged_and_the_other_is_read(
    plaid: ScriptedPlaid, ask: Callable[..., Any], item: Item, caplog: Any
) -> None:
    sealed = seal_token("access-sandbox-bad", item_id="item-bad")
    Item.objects.create(
        owner=item.owner, institution=item.institution, item_id="item-bad", access_token_encrypted=sealed
    )
    well = holdings_answer(holding())
    plaid.answers[HOLDINGS] = lambda body: DOWN if body["access_token"] == "access-sandbox-bad" else well
    with caplog.at_level(logging.WARNING):
        answer = ask(REFRESH_ALL).json()
    assert answer["summary"] == {**UPSERTS, "items": 1, "failed": 1}
    assert "item-bad" in caplog.text
    assert Item.objects.get(item_id="item-bad").status == Item.Status.INSTITUTION_TROUBLE


def test_a_second_refresh_with_the_same_answer_counts_nothing(plaid: ScriptedPlaid, ask: Callable[..., Any]) -> None:
    ask(REFRESH, {"item_id": ITEM})
    assert ask(REFRESH, {"item_id": ITEM}).json() == {"status": "success", "upserts": NOTHING}


def test_what_nobody_foresaw_is_a_sentence_and_no_traceback(
    plaid: ScriptedPlaid, ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: Any) -> None:
        raise KeyError("access-sandbox-secret")

    monkeypatch.setattr("plaid_link.api.routes.create_link_token", broken)
    monkeypatch.setattr("plaid_link.api.routes.exchange_public_token", broken)
    for route in (LINK_TOKEN, EXCHANGE):
        answer = ask(route, {"public_token": TOKEN})
        assert (answer.status_code, answer.json()) == (500, UNFORESEEN)


@pytest.mark.parametrize("route", EVERY)
@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_they_are_posted_to_alone(owner: Any, route: str, method: str) -> None:
    client = Client()
    client.force_login(owner)
    answer = getattr(client, method)(route)
    assert (answer.status_code, set(answer.json())) == (405, {"error"})


def test_an_exchange_that_fails_leaves_nothing(plaid: ScriptedPlaid, ask: Callable[..., Any]) -> None:
    before = Item.objects.count(), Account.objects.count()
    plaid.answers["/accounts/get"] = transactions_answer(accounts=[])
    assert ask(EXCHANGE, {"public_token": TOKEN}).status_code == 500
    assert (Item.objects.count(), Account.objects.count()) == before
    assert [body["access_token"] for body in plaid.asked_of("/item/remove")] == ["access-sandbox-2"]
