"""A person's whole way through the product, and then a search of everything kept: nothing there says who they are."""

import io
import re
import zipfile
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import reverse
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from plaid_link.imports import batches
from plaid_link.tests.imports.conftest import worked
from portfolio_site import privacy
from portfolio_site.lib.redis_client import client as redis_client
from portfolio_site.models import AuditEntry, IdempotentRequest, Job, User, UserExport
from tests.fixtures import WebClient, make_portfolio
from tests.pages import Browser, signed_in

EMAIL, FIRST, LAST = "zebedee.quill@fictional-mail.example", "Zebedee", "Quillfeather"
NUMBER, MASK, AGENT = "ZX99887766", "48Q1", "Quillbrowser/7.0"
PASSWORD = "correct horse battery"
# Two accounts in one file: which one is meant is asked, and remembered.
BOUGHT = "YOU BOUGHT APPLE INC (AAPL) (Cash),AAPL,APPLE INC,Cash,180,1,,,,-180.00,0,01/06/2026"
STATEMENT = "\n".join([
    "Run Date,Account,Action,Symbol,Description,Type,Price ($),Quantity,Commission ($),Fees ($),Accrued Interest ($),"
    "Amount ($),Cash Balance ($),Settlement Date",
    f"01/05/2026,{NUMBER},{BOUGHT}",
    f"01/05/2026,{NUMBER}B,{BOUGHT}",
]).encode()  # fmt: skip
FILE = f"Date,Action,Symbol,Quantity,Price,Amount,Owner\n2026-01-05,Buy,AAPL,1,180,180,{LAST} {NUMBER}\n".encode()
TEXTS = """
SELECT table_name, column_name FROM information_schema.columns
JOIN information_schema.tables USING (table_schema, table_name)
WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1, 2
"""


def found(*needles: str) -> set[tuple[str, str]]:
    """Which columns of which tables hold one of the texts, however PostgreSQL writes it."""
    forms = [
        form for needle in needles for form in (needle.lower(), needle.encode().hex(), needle.lower().encode().hex())
    ]
    holding = set()
    with connection.cursor() as cursor:
        cursor.execute(TEXTS)
        for table, column in cursor.fetchall():
            looked_for = " OR ".join([f'lower("{column}"::text) LIKE %s'] * len(forms))
            cursor.execute(f'SELECT 1 FROM "{table}" WHERE {looked_for} LIMIT 1', [f"%{form}%" for form in forms])
            if cursor.fetchone():
                holding.add((table, column))
    return holding


def in_redis(*needles: str) -> list[bytes]:
    """Keys, and values of strings, with one of the texts in them."""
    server = redis_client()
    keys = list(server.scan_iter())
    values = [server.get(key) or b"" for key in keys if server.type(key) == b"string"]
    return [one for one in keys + values if any(needle.lower().encode() in one.lower() for needle in needles)]


def sign_up(browser: Browser) -> User:
    browser.post("/accounts/signup/", {"email": EMAIL.title(), "password1": PASSWORD})
    user = User.objects.get(email=EMAIL)
    user.agree()
    browser.post("/settings/", {"first_name": FIRST, "base_currency": "USD", "time_zone": "Europe/London"})
    User.objects.filter(pk=user.pk).update(last_name=LAST)
    return user


def fail_to_sign_in() -> None:
    for _ in range(2):
        Client().post("/accounts/login/", {"login": EMAIL, "password": "wrong"})
        Client().post("/api/auth/token/", {"email": EMAIL, "password": "wrong"}, content_type="application/json")


def forget_password(browser: Browser) -> None:
    browser.post("/accounts/password/reset/", {"email": EMAIL})
    (link,) = re.findall(r"/accounts/password/reset/key/\S+", str(mail.outbox[-1].body))
    form = browser.get(link, follow=True)
    browser.post(form.request["PATH_INFO"], {"password1": PASSWORD, "password2": PASSWORD})


def program() -> WebClient:
    answer = (
        Client()
        .post("/api/auth/token/", {"email": EMAIL, "password": PASSWORD}, content_type="application/json")
        .json()
    )
    renewed = Client().post("/api/auth/token/refresh/", {"refresh": answer["refresh"]}, content_type="application/json")
    api = WebClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {renewed.json()['access']}")
    return api


def own_things(user: User, api: WebClient) -> None:
    portfolio = make_portfolio(user)
    portfolio.ira.mask = MASK
    portfolio.ira.save()
    headers = {"Idempotency-Key": "once"}
    assert api.post("/api/v1/accounts", {"name": "Old", "subtype": "ira"}, headers=headers).status_code == 201
    assert api.patch(f"/api/v1/accounts/{portfolio.ira.pk}", {"lot_method": "hifo"}).status_code == 200
    batch, _ = batches.open_batch(
        owner_id=user.pk, file_name=f"{LAST} {NUMBER}.csv", data=FILE, account=portfolio.ira, new_account={}
    )
    assert worked(batch).sample
    batch, _ = batches.open_batch(
        owner_id=user.pk, file_name="statement.csv", data=STATEMENT, account=portfolio.ira, new_account={}
    )
    assert worked(batch).questions[0]["values"] == [NUMBER, f"{NUMBER}B"]
    assert api.patch(f"/api/v1/import/{batch.pk}", {"account": NUMBER}).status_code == 202
    batch.refresh_from_db()
    assert worked(batch).options["account"] == NUMBER
    api.get("/api/v1/user/export")
    privacy.make_export(str(Job.objects.get(kind="export").pk))
    assert EMAIL.encode() in _unzipped(UserExport.objects.get().content)


def _unzipped(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return b"".join(packed.read(name) for name in packed.namelist())


def operate(user: User, django_user_model: Any) -> None:
    """An operator searches for the person by address, looks at them, and gives their account back."""
    boss = signed_in(django_user_model.objects.create_superuser(email="boss@example.com", password="x"))
    listed = boss.get("/admin/portfolio_site/user/", {"q": EMAIL})
    assert EMAIL in listed.content.decode()
    assert EMAIL not in boss.get("/admin/portfolio_site/user/", {"q": "zebedee"}).content.decode()
    assert FIRST in boss.get(f"/admin/portfolio_site/user/{user.pk}/change/").content.decode()
    for model in ("investments_account", "portfolio_site_job", "plaid_link_item", "portfolio_site_consent"):
        assert boss.get(reverse(f"admin:{model}_changelist"), {"q": EMAIL}).status_code == 200
    choice = {"action": "give_back", "_selected_action": [user.pk], "confirmed": "yes"}
    boss.post("/admin/portfolio_site/user/", choice)
    assert LogEntry.objects.filter(object_id=str(user.pk)).exists()


@pytest.fixture
def journey(db: Any, django_user_model: Any, monkeypatch: pytest.MonkeyPatch) -> User:
    monkeypatch.setattr(privacy, "ISOLATED", "SELECT 1")  # a test is one transaction already
    redis_client().flushdb()
    browser = Browser(HTTP_USER_AGENT=AGENT, REMOTE_ADDR="198.51.100.77")
    user = sign_up(browser)
    forget_password(browser)
    fail_to_sign_in()
    browser.post("/accounts/login/", {"login": EMAIL, "password": PASSWORD})
    browser.post("/accounts/email/", {"email": f"second.{EMAIL}", "action_add": ""})
    own_things(user, program())
    operate(user, django_user_model)
    return user


def test_nothing_that_is_kept_says_who_somebody_is(journey: User) -> None:
    assert Session.objects.exists()
    assert UserSession.objects.get(user=journey).user_agent == AGENT
    assert {"[changed]"} == {
        value for entry in AuditEntry.objects.filter(table_name="portfolio_site_user", subject_id=journey.pk)
        for name, value in (entry.new or {}).items() if name in ("email", "first_name", "last_name")
    }  # fmt: skip
    assert found(EMAIL, EMAIL.partition("@")[0], FIRST, LAST) == set()
    assert found(NUMBER, MASK) == set()
    assert found(AGENT, "198.51.100.77") <= {("axes_accessattempt", "user_agent"), ("axes_accessattempt", "ip_address")}
    assert in_redis(EMAIL, FIRST, LAST) == []


def test_what_a_session_remembers_and_a_program_signs_in_with_is_not_to_be_read(journey: User) -> None:
    (session,) = Session.objects.filter(session_key=UserSession.objects.get(user=journey).session_key)
    assert EMAIL in str(session.get_decoded())
    assert set(OutstandingToken.objects.values_list("token", flat=True)) == {""}
    answer = IdempotentRequest.objects.get(owner=journey)
    assert b'"Old"' in answer.body
