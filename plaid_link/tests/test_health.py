"""What every error that Plaid documents does to a connection, told over HTTP in Plaid's own words."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as project
from django.utils import timezone

from plaid_link import health
from plaid_link.models import Item
from plaid_link.sources.base import SourceError
from plaid_link.sync import sync_item, whole_window
from plaid_link.tests.scripted import HOLDINGS, Raw, ScriptedPlaid, error, holding, holdings_answer

ERRORS_FILE = project.REFERENCE_DATA / "plaid" / "errors.json"
DOCUMENTED = json.loads(ERRORS_FILE.read_text())["errors"] if ERRORS_FILE.exists() else []
DOCUMENTED_COUNT = 45

SIGN_IN = ("needs_repair", False, "ign in")
LINK_AGAIN = ("disconnected", False, "ink ")
LATER = ("institution_trouble", True, "tried again")
WAIT = ("ok", True, "again")
TOLD = ("error", False, "")
OURS = ("ok", False, "our side")
# status afterwards (before it was ok), whether it is tried again by itself, what the user is told to do
MEANINGS: dict[tuple[str, bool, str], tuple[str, ...]] = {
    SIGN_IN: (
        "ITEM_LOGIN_REQUIRED", "INVALID_CREDENTIALS", "PASSWORD_RESET_REQUIRED", "ITEM_LOCKED", "ACCESS_NOT_GRANTED",
        "ADDITIONAL_CONSENT_REQUIRED", "NO_ACCOUNTS",
    ),
    LINK_AGAIN: (
        "ITEM_NOT_FOUND", "ITEM_CONCURRENTLY_DELETED", "INVALID_ACCESS_TOKEN", "USER_PERMISSION_REVOKED",
    ),
    LATER: (
        "INSTITUTION_DOWN", "INSTITUTION_NOT_RESPONDING", "INSTITUTION_NOT_AVAILABLE", "INTERNAL_SERVER_ERROR",
        "PLANNED_MAINTENANCE",
    ),
    WAIT: (
        "PRODUCT_NOT_READY", "INVALID_ACCOUNT_ID", "INVESTMENT_HOLDINGS_GET_LIMIT", "INVESTMENT_TRANSACTIONS_LIMIT",
        "ACCOUNTS_LIMIT", "BALANCE_LIMIT", "ITEM_GET_LIMIT", "INSTITUTIONS_GET_BY_ID_LIMIT", "INSTITUTION_RATE_LIMIT",
        "RATE_LIMIT",
    ),
    TOLD: (
        "NO_INVESTMENT_ACCOUNTS", "NO_INVESTMENT_AUTH_ACCOUNTS", "PRODUCTS_NOT_SUPPORTED", "PRODUCT_NOT_ENABLED",
        "ITEM_NOT_SUPPORTED", "INSTITUTION_NO_LONGER_SUPPORTED", "SANDBOX_PRODUCT_NOT_ENABLED",
    ),
    OURS: (
        "INVALID_API_KEYS", "INVALID_INSTITUTION", "INVALID_PRODUCT", "INVALID_WEBHOOK_VERIFICATION_KEY_ID",
        "MISSING_FIELDS", "UNKNOWN_FIELDS", "INVALID_FIELD", "INVALID_BODY", "NOT_FOUND", "SANDBOX_WEBHOOK_INVALID",
    ),
    ("ok", False, "Start linking again"): ("INVALID_PUBLIC_TOKEN", "INVALID_LINK_TOKEN"),
}  # fmt: skip
MEANING = {code: meaning for meaning, codes in MEANINGS.items() for code in codes}


def sync(item: Item) -> SourceError | None:
    start, end = whole_window()
    try:
        sync_item(item=Item.objects.get(pk=item.pk), trigger="sweep", start=start, end=end)
    except SourceError as failed:
        return failed
    return None


@pytest.fixture
def healthy(item: Item, scripted: ScriptedPlaid) -> Item:
    assert sync(item) is None
    return item


def test_the_table_is_complete() -> None:
    assert len(MEANING) == DOCUMENTED_COUNT
    if not DOCUMENTED:
        pytest.skip("reference data are not here")
    assert {told["body"]["error_code"] for told in DOCUMENTED} == set(MEANING)


@pytest.mark.skipif(not DOCUMENTED, reason="reference data are not here")
@pytest.mark.parametrize("told", DOCUMENTED, ids=lambda told: told["body"]["error_code"])
def test_a_documented_error(healthy: Item, scripted: ScriptedPlaid, told: dict[str, Any]) -> None:
    body = told["body"]
    status, tried_again, sentence = MEANING[body["error_code"]]
    scripted.answers[HOLDINGS] = Raw(json.dumps(body).encode(), told["http_status"])
    failed = sync(healthy)
    healthy.refresh_from_db()
    assert failed is not None
    assert (healthy.status, healthy.error_code) == (status, body["error_code"])
    assert (healthy.next_try_at is not None) == tried_again == (not failed.permanent)
    assert sentence in healthy.error_message
    assert healthy.error_message == str(failed)
    assert body["error_message"] not in healthy.error_message
    assert bool(healthy.access_token_encrypted) == (status != "disconnected")


@pytest.mark.parametrize("code", ["ITEM_LOGIN_REQUIRED", "INSTITUTION_DOWN", "RATE_LIMIT", "PRODUCTS_NOT_SUPPORTED"])
def test_a_good_sync_clears_it(healthy: Item, scripted: ScriptedPlaid, code: str) -> None:
    scripted.answers[HOLDINGS] = error(code)
    sync(healthy)
    scripted.answers[HOLDINGS] = holdings_answer(holding())
    assert sync(healthy) is None
    healthy.refresh_from_db()
    assert (healthy.status, healthy.error_code, healthy.error_message, healthy.next_try_at) == ("ok", "", "", None)


class TestWaiting:
    def wait(self, item: Item) -> float:
        item.refresh_from_db()
        assert item.next_try_at is not None
        return (item.next_try_at - timezone.now()).total_seconds()

    def test_is_at_least_what_plaid_asks_for(self, healthy: Item, scripted: ScriptedPlaid) -> None:
        scripted.answers[HOLDINGS] = error("RATE_LIMIT", status=429, headers={"Retry-After": "120"})
        sync(healthy)
        assert 119 < self.wait(healthy) <= 150

    def test_may_be_told_as_a_date(self, healthy: Item, scripted: ScriptedPlaid) -> None:
        until = timezone.now() + timedelta(minutes=10)
        date = until.strftime("%a, %d %b %Y %H:%M:%S GMT")
        scripted.answers[HOLDINGS] = error("RATE_LIMIT", status=429, headers={"Retry-After": date})
        sync(healthy)
        assert 590 < self.wait(healthy) <= 750

    @pytest.mark.parametrize("nonsense", ["soon", "-5", "1e9", "99999999999"])
    def test_is_bounded_whatever_is_asked_for(self, healthy: Item, scripted: ScriptedPlaid, nonsense: str) -> None:
        scripted.answers[HOLDINGS] = error("RATE_LIMIT", status=429, headers={"Retry-After": nonsense})
        sync(healthy)
        assert 0 < self.wait(healthy) <= 4500

    def test_differs_between_items_that_failed_together(self, healthy: Item, scripted: ScriptedPlaid) -> None:
        scripted.answers[HOLDINGS] = error("INTERNAL_SERVER_ERROR", status=500)
        waits = set()
        for _ in range(3):
            sync(healthy)
            waits.add(round(self.wait(healthy) / 15 / 2 ** len(waits), 6))
        assert len(waits) == 3


class TestConsent:
    @pytest.mark.parametrize(("days", "soon"), [(30, False), (13, True), (-1, True)])
    def test_that_ends_soon_asks_for_the_user_while_all_still_works(
        self, healthy: Item, scripted: ScriptedPlaid, days: int, soon: bool
    ) -> None:
        now = timezone.now()
        answer = holdings_answer(holding())
        answer["item"]["consent_expiration_time"] = (now + timedelta(days=days)).isoformat()
        scripted.answers[HOLDINGS] = answer
        assert sync(healthy) is None
        healthy.refresh_from_db()
        assert healthy.status == "ok"
        assert health.needs_user(healthy, now) == soon
        assert ("ends soon" in health.advice(healthy, now)) == soon

    def test_that_has_no_end_asks_nobody(self, healthy: Item) -> None:
        healthy.refresh_from_db()
        assert health.advice(healthy, timezone.now()) == ""
