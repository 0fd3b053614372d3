"""`POST /api/webhooks/plaid`: what is stored, what is refused, and that nothing behind it can hold it up."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as configured
from django.core.checks import run_checks
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from plaid_link.models import WebhookEvent
from plaid_link.tests.webhooks.conftest import ITEM_ID, body_of
from plaid_link.tests.webhooks.stand_in import KEY, SigningKey, StandIn
from plaid_link.webhooks import refusals
from plaid_link.webhooks.payload import MAX_BODY_BYTES
from portfolio_site.lib import rls
from tests.fixtures import WebClient

BODY = body_of("HOLDINGS", "DEFAULT_UPDATE", new_holdings=19)
Send = Callable[..., Any]

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> WebClient:
    """Every request reaches PostgreSQL as the web role."""
    return WebClient(raise_request_exception=False)


@pytest.mark.parametrize("path", ["/api/webhooks/plaid", "/webhook/plaid"])
def test_a_webhook_is_stored_and_answered(send: Send, path: str) -> None:
    before = timezone.now()
    response = send(BODY, path=path)
    assert (response.status_code, response.json()) == (200, {"status": "received"})
    event = WebhookEvent.objects.get()
    assert event.payload == json.loads(BODY)
    assert (event.webhook_type, event.webhook_code, event.item_external_id) == ("HOLDINGS", "DEFAULT_UPDATE", ITEM_ID)
    assert (event.environment, event.status, event.attempts) == ("sandbox", "received", 0)
    assert (event.body_size, len(event.body_sha256), len(event.headers_digest)) == (len(BODY), 64, 64)
    assert before <= event.received_at <= timezone.now()


def test_it_is_one_insert(send: Send, django_assert_num_queries: Any) -> None:
    send(BODY)
    with django_assert_num_queries(3) as queries:
        send(BODY)
    kinds = [query["sql"].split()[0] for query in queries.captured_queries]
    assert kinds == ["SAVEPOINT", "INSERT", "RELEASE"]


def test_a_refused_webhook_leaves_a_counter_and_nothing_else(send: Send, key: SigningKey) -> None:
    today = timezone.now().date()
    before = refusals.on(today)["body"]
    response = send(BODY, token=key.sign(b"another body"))
    assert (response.status_code, response.json()) == (401, {"error": "This webhook could not be verified"})
    assert not WebhookEvent.objects.exists()
    assert refusals.on(today)["body"] == before + 1


def test_replayed_six_minutes_later(send: Send, key: SigningKey) -> None:
    assert send(BODY, token=key.sign(BODY, issued_at=time.time() - 360)).status_code == 401
    assert not WebhookEvent.objects.exists()


def test_no_header(client: WebClient, plaid: StandIn) -> None:
    response = client.post("/api/webhooks/plaid", data=BODY, content_type="application/json")
    assert response.status_code == 401
    assert plaid.calls[KEY] == 0


def test_second_lock(send: Send, settings: Any) -> None:
    settings.PLAID_WEBHOOK_API_KEY = "a second lock"
    assert send(BODY).status_code == 401
    assert send(BODY, **{"X-API-Key": "a third lock"}).status_code == 401
    assert send(BODY, **{"X-API-Key": "a second lock"}).status_code == 200
    assert WebhookEvent.objects.count() == 1


def test_verification_off(client: WebClient, settings: Any) -> None:
    settings.PLAID_WEBHOOK_VERIFY = False
    post = {"path": "/api/webhooks/plaid", "data": BODY, "content_type": "application/json"}
    assert client.post(**post).status_code == 401
    settings.DEBUG = True
    assert client.post(**post).status_code == 200
    assert WebhookEvent.objects.get().headers_digest == ""


@pytest.mark.parametrize(("debug", "found"), [(False, "plaid_link.E001"), (True, "plaid_link.W001")])
def test_verification_off_is_checked(settings: Any, debug: bool, found: str) -> None:
    settings.DEBUG, settings.PLAID_WEBHOOK_VERIFY = debug, False
    assert found in {message.id for message in run_checks(tags=["security"])}
    settings.PLAID_WEBHOOK_VERIFY = True
    assert found not in {message.id for message in run_checks(tags=["security"])}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", "The body is empty"),
        (b"[]", "The body is not a JSON object"),
        (b"null", "The body is not a JSON object"),
        (b'"text"', "The body is not a JSON object"),
        (b'{"webhook_type": "HOLDINGS"', "The body is not JSON"),
        (b"\xff\xfe\x00", "The body is not JSON"),
        (b"<html></html>", "The body is not JSON"),
        (b'{"item_id": "a", "item_id": "b"}', "The body has a key twice"),
        (b'{"error": {"error_code": "A", "error_code": "B"}}', "The body has a key twice"),
        (b'{"new_holdings": NaN}', "The body has NaN, which is not JSON"),
        (b'{"new_holdings": -Infinity}', "The body has -Infinity, which is not JSON"),
        (b'{"a":' * 40_000 + b"1" + b"}" * 40_000, "The body is nested too deep"),
        (b'{"new_holdings": 1e400}', "The body has a character or number that cannot be stored"),
        (b'{"note": "\\u0000"}', "The body has a character or number that cannot be stored"),
        (b'{"note": "\\ud800"}', "The body has a character or number that cannot be stored"),
        (b'{"item_id": 7}', "item_id is not a text of at most 100 characters"),
        (b'{"item_id": "' + b"x" * 101 + b'"}', "item_id is not a text of at most 100 characters"),
        (b'{"webhook_code": ["DEFAULT_UPDATE"]}', "webhook_code is not a text of at most 60 characters"),
        (
            b'{"environment": "production"}',
            "This is a webhook of production; only those of sandbox are taken here",
        ),
    ],
)
def test_bodies_that_are_no_webhook(send: Send, body: bytes, error: str) -> None:
    """Signed, so that only the body is at fault."""
    response = send(body)
    assert (response.status_code, response.json()) == (400, {"error": error})
    assert not WebhookEvent.objects.exists()


def test_a_bad_body_leaves_the_next_one_unharmed(send: Send) -> None:
    assert send(b'{"note": "\\u0000"}').status_code == 400
    assert send(BODY).status_code == 200
    assert WebhookEvent.objects.count() == 1


@pytest.mark.parametrize("body", [b"{}", b'{"webhook_type": null, "item_id": null}'])
def test_an_object_without_the_usual_fields_is_kept(send: Send, body: bytes) -> None:
    assert send(body).status_code == 200
    assert WebhookEvent.objects.get().payload == json.loads(body)


def test_the_largest_body_and_one_byte_more(send: Send) -> None:
    frame = len(json.dumps({"note": ""}))
    assert send(json.dumps({"note": "x" * (MAX_BODY_BYTES - frame)}).encode()).status_code == 200
    response = send(json.dumps({"note": "x" * (MAX_BODY_BYTES - frame + 1)}).encode())
    assert (response.status_code, response.json()) == (413, {"error": "The body is larger than 256 KB"})
    assert WebhookEvent.objects.get().body_size == MAX_BODY_BYTES


def test_ten_megabytes_are_refused_unread(send: Send, plaid: StandIn) -> None:
    assert send(b"x" * 10_000_000).status_code == 413
    assert plaid.calls[KEY] == 0


@pytest.mark.parametrize("method", ["get", "put", "delete", "options"])
def test_other_methods(client: WebClient, method: str) -> None:
    response = getattr(client, method)("/api/webhooks/plaid")
    assert (response.status_code, response["Allow"]) == (405, "POST")


def test_a_session_and_its_missing_csrf_token_do_not_matter(key: SigningKey, owner: Any) -> None:
    browser = WebClient(enforce_csrf_checks=True, raise_request_exception=False)
    browser.force_login(owner)
    headers = {"Plaid-Verification": key.sign(BODY)}
    response = browser.post("/api/webhooks/plaid", data=BODY, content_type="application/json", headers=headers)
    assert response.status_code == 200


def test_the_web_role_sees_and_changes_no_event(send: Send, as_web: Any, owner: Any) -> None:
    send(BODY)
    with as_web(owner):
        assert not WebhookEvent.objects.exists()
        assert WebhookEvent.objects.update(status="done") == 0
        assert WebhookEvent.objects.all().delete()[0] == 0
        with pytest.raises(DatabaseError), transaction.atomic():
            WebhookEvent.objects.create(payload={}, body_size=2, body_sha256="")
    with as_web(owner):
        rls.set_operator()
        assert WebhookEvent.objects.update(error="seen by an operator") == 1
        assert WebhookEvent.objects.all().delete()[0] == 0
    assert WebhookEvent.objects.get().error == "seen by an operator"


def test_the_worker_role_sees_all(send: Send) -> None:
    send(BODY)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {configured.WORKER_ROLE}")
        assert WebhookEvent.objects.update(status="done") == 1
        cursor.execute("RESET ROLE")


def test_an_erased_item_lets_go_of_its_events(send: Send, item: Any, as_web: Any, owner: Any) -> None:
    """The role that erases sees no event, so the database does it."""
    send(BODY)
    WebhookEvent.objects.update(item=item)
    with as_web(owner):
        item.delete()
    assert WebhookEvent.objects.get().item_id is None
