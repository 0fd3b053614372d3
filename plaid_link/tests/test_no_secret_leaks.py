"""The whole flow (link, sync, trouble, webhook, repair, disconnect), and then a search of everything it left behind."""

import io
import json
import logging
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest
import redis
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from investments.models import Account
from plaid_link import link, tasks
from plaid_link.models import Item, SyncRun, WebhookEvent
from plaid_link.sandbox.testing import PlaidServer, running
from plaid_link.tokens import open_token
from plaid_link.webhooks import verify
from plaid_link.webhooks.fetch import fetch_key
from plaid_link.webhooks.keys import VerificationKeys
from plaid_link.webhooks.tasks import handle_waiting_webhooks
from portfolio_site.lib.embedded.redis import database_of, with_database
from portfolio_site.lib.logs import formatter
from portfolio_site.models import Job
from tests.pages import signed_in

PLAID = "/api/plaid/investments"
SECRET = f"client-secret-{uuid.uuid4().hex}"
ENCRYPTION_KEY = "bGVhay10ZXN0LWtleS1vZi10aGlydHktdHdvLWJ5dGU="
QUEUES = ("default", "high", "low", "celery")


@pytest.fixture(scope="module")
def mailbox() -> Iterator[tuple[str, list[tuple[bytes, str]]]]:
    """Where Plaid's webhooks arrive: its address, and each body with its signature."""
    received: list[tuple[bytes, str]] = []

    class Mailbox(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((body, self.headers["Plaid-Verification"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Mailbox)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/", received
    server.shutdown()


@pytest.fixture
def plaid(settings: Any, mailbox: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlaidServer]:
    """The local Plaid server under a client secret that occurs nowhere else."""
    with running("--secret", SECRET, "--webhook-delay", "0.01") as server:
        settings.PLAID_HOST, settings.PLAID_SECRET = server.url, SECRET
        settings.PLAID_WEBHOOK_URL = mailbox[0]
        settings.ENCRYPTION_KEYS = f"leak:{ENCRYPTION_KEY},{settings.ENCRYPTION_KEYS}"
        monkeypatch.setattr(verify, "plaid_keys", VerificationKeys(fetch_key))
        yield server


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged, debug too, with no literal secret to look for: none may get that far."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(formatter(as_json=True))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.setLevel(level)
    root.removeHandler(handler)


def public_token(plaid: PlaidServer, link_token: str) -> str:
    """What Link hands back once the user is through with it."""
    choice = {"link_token": link_token, "institution_id": "ins_12", "username": "user_good"}
    answer = httpx.post(f"{plaid.url}/link/complete", json=choice)
    return str(answer.json()["public_token"])


def queued(settings: Any) -> str:
    """Every message in the queues, as Redis holds it; the queues are empty afterwards."""
    server = redis.Redis.from_url(with_database(settings.REDIS_URL, database_of(settings.REDIS_URL) + 1))
    messages = [message for name in QUEUES for message in server.lrange(name, 0, -1)]
    server.delete(*QUEUES)
    return b"\n".join(messages).decode()


def admin_pages(owner: Any, django_user_model: Any) -> str:
    boss = django_user_model.objects.create_superuser(email="boss@example.com", password="correct horse battery")
    client = signed_in(boss)
    pages = []
    for model in (Item, SyncRun, WebhookEvent, Account):
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        pages.append(client.get(reverse(f"{name}_changelist")))
        pages += [client.get(reverse(f"{name}_change", args=[row.pk])) for row in model.objects.all()]
    assert admin.site.is_registered(Item)
    assert {page.status_code for page in pages} == {200}
    return "".join(page.content.decode() for page in pages)


def database() -> str:
    """Every row of every table as text."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        rows = []
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT string_agg(t::text, chr(10)) FROM "{table}" t')
            rows.append(cursor.fetchone()[0] or "")
    return "\n".join(rows)


class Flow:
    """What a user does, and every answer that was given."""

    def __init__(self, client: Client, owner: Any, plaid: PlaidServer, commit: Callable[..., Any]) -> None:
        self.client, self.owner, self.plaid, self.commit = client, owner, plaid, commit
        self.answers: list[str] = []

    def post(self, route: str, **body: Any) -> Any:
        with self.commit(execute=True):
            answer = self.client.post(f"{PLAID}/{route}", {"user_id": self.owner.pk, **body}, format="json")
        self.answers.append(answer.content.decode())
        return answer.json()

    def refresh_in_trouble(self, item_id: str, **fault: Any) -> None:
        self.plaid.control("faults", path="/investments/holdings/get", **fault)
        assert "error" in self.post("refresh", item_id=item_id)


def tell(plaid: PlaidServer, received: list[tuple[bytes, str]], access: str) -> None:
    """A signed webhook, and one that nobody signed, each handled."""
    body = {"access_token": access, "webhook_code": "DEFAULT_UPDATE", "webhook_type": "HOLDINGS"}
    credentials = {"client_id": "sandbox", "secret": SECRET}
    httpx.post(f"{plaid.url}/sandbox/item/fire_webhook", json={**credentials, **body}).raise_for_status()
    plaid.wait_for(lambda _: bool(received))
    deliver(received, Client())
    Client().post("/api/webhooks/plaid", {"access_token": access}, content_type="application/json")
    # Webhooks do not sync an item that has just been synced.
    SyncRun.objects.update(started_at=timezone.now() - timedelta(minutes=5))
    handle_waiting_webhooks()


def deliver(received: list[tuple[bytes, str]], client: Client) -> None:
    while received:
        body, signature = received.pop()
        headers = {"Plaid-Verification": signature}
        answer = client.post("/api/webhooks/plaid", body, content_type="application/json", headers=headers)
        assert answer.status_code == 200


def leaks(everything: dict[str, str], secrets: dict[str, str]) -> list[tuple[str, str]]:
    """Where which secret stands, plain, as PostgreSQL prints bytes, or escaped as JSON."""
    return [
        (where, name)
        for where, text in everything.items()
        for name, secret in secrets.items()
        for form in (secret, secret.encode().hex(), json.dumps(secret)[1:-1])
        if form in text
    ]


def test_no_token_no_secret_and_no_key_is_anywhere(
    owner: Any,
    plaid: PlaidServer,
    mailbox: Any,
    log: io.StringIO,
    settings: Any,
    django_user_model: Any,
    django_capture_on_commit_callbacks: Any,
) -> None:
    queued(settings)
    flow = Flow(signed_in(owner), owner, plaid, django_capture_on_commit_callbacks)
    link_token = flow.post("generate_link_token")["link_token"]
    public = public_token(plaid, link_token)
    item_id = flow.post("exchange_public_token", public_token=public)["item_id"]
    item = Item.objects.get(item_id=item_id)
    access = open_token(item)
    tasks.run_sync_job(str(Job.objects.get(kind="link").pk))
    for code in ("ITEM_LOGIN_REQUIRED", "INTERNAL_SERVER_ERROR", "SOMETHING_NEW"):
        flow.refresh_in_trouble(item_id, kind="error", code=code)
    flow.refresh_in_trouble(item_id, kind="garbage", form="html")
    flow.post("refresh", item_id=item_id)
    flow.post("exchange_public_token", public_token=public)
    tell(plaid, mailbox[1], access)
    flow.post("generate_link_token", item_id=item_id)
    broken = Item.objects.get(pk=item.pk)
    broken.access_token_encrypted = b"leak:broken"
    broken.save()
    flow.refresh_in_trouble(item_id, kind="error")
    pages = admin_pages(owner, django_user_model)
    item.save()
    link.remove_item(item=item, erase=False)

    everything = {
        "logs": log.getvalue(),
        "answers": "".join(answer for answer in flow.answers if '"link_token"' not in answer),
        "queues": queued(settings),
        "admin": pages,
        "database": database(),
    }
    assert all(everything.values())
    assert WebhookEvent.objects.filter(status="done").exists()
    assert SyncRun.objects.filter(state="failed").count() >= 4
    secrets = {"access token": access, "public token": public, "client secret": SECRET, "key": ENCRYPTION_KEY}
    assert leaks(everything, secrets) == []
    assert link_token not in everything["logs"] + everything["queues"] + everything["database"]
    assert item_id in everything["logs"]
