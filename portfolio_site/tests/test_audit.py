"""Who changed what: noted by the database, for whoever does it, and changed by nobody."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from psycopg.errors import InsufficientPrivilege

from investments.models import CorporateAction, Security
from portfolio_site.lib import logs, rls
from portfolio_site.models import AuditEntry, Consent, User
from tests.fixtures import Portfolio

AsWeb = Callable[..., AbstractContextManager[None]]
TABLE = "portfolio_site_auditentry"


def last(table: str) -> AuditEntry:
    return AuditEntry.objects.filter(table_name=table).latest("id")


def _refused(statement: str) -> None:
    with pytest.raises(DatabaseError) as refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert isinstance(refused.value.__cause__, InsufficientPrivilege), statement


def test_a_change_over_http_names_who_when_and_the_request(api: Any, portfolio: Portfolio) -> None:
    address = f"/api/v1/accounts/{portfolio.ira.pk}"
    answer = api(portfolio.owner).patch(address, {"lot_method": "hifo"}, HTTP_X_REQUEST_ID="request42")
    assert answer.status_code == 200
    entry = last("investments_account")
    assert (entry.operation, entry.row_id) == ("update", str(portfolio.ira.pk))
    assert (entry.old, entry.new) == ({"lot_method": "fifo"}, {"lot_method": "hifo"})
    assert (entry.actor_id, entry.subject_id) == (portfolio.owner.pk, portfolio.owner.pk)
    assert (entry.role, entry.request_id) == ("longview_web", "request42")


def test_what_is_undone_is_not_noted(api: Any, portfolio: Portfolio) -> None:
    before = AuditEntry.objects.count()
    api(portfolio.owner).patch(f"/api/v1/accounts/{portfolio.ira.pk}", {"lot_method": "hifo", "name": "Mine"})
    assert AuditEntry.objects.count() == before


def test_adding_and_deleting_are_noted_whole(owner: Any) -> None:
    consent = Consent.objects.create(owner=owner, document="terms", version="1")
    added = last("portfolio_site_consent")
    assert (added.operation, added.old, added.new["document"]) == ("insert", None, "terms")
    consent.delete()
    gone = last("portfolio_site_consent")
    assert (gone.operation, gone.new, gone.old["document"]) == ("delete", None, "terms")


def test_secrets_and_names_are_noted_without_their_value(owner: Any) -> None:
    before = last("portfolio_site_user").id
    owner.email, owner.first_name = "new@example.com", "Ada"
    owner.set_password("another long phrase")
    owner.save()
    entry = last("portfolio_site_user")
    assert entry.new == dict.fromkeys(("email", "first_name", "password"), "[changed]")
    noted = AuditEntry.objects.filter(table_name="portfolio_site_user", id__gt=before)
    assert set(noted.values_list("subject_id", flat=True)) == {owner.pk}


def test_what_machinery_writes_all_the_time_is_not(portfolio: Portfolio, owner: Any) -> None:
    before = AuditEntry.objects.count()
    type(portfolio.ira).objects.filter(pk=portfolio.ira.pk).update(ledger_version=99, sync_state="ok")
    User.objects.filter(pk=owner.pk).update(last_login="2026-01-01T00:00Z")
    type(portfolio.ira).objects.filter(pk=portfolio.ira.pk).update(name=portfolio.ira.name)
    assert AuditEntry.objects.count() == before


def test_of_the_ledger_what_people_write(api: Any, portfolio: Portfolio) -> None:
    assert not AuditEntry.objects.filter(table_name="investments_transaction").exists(), "synced rows are no act"
    fee = {"account_id": portfolio.ira.pk, "type": "fee", "subtype": "account fee", "date": "2026-11-02", "amount": "4"}
    row = api(portfolio.owner).post("/api/v1/transactions", fee).json()
    entry = last("investments_transaction")
    assert (entry.row_id, entry.actor_id, entry.new["type"]) == (str(row["id"]), portfolio.owner.pk, "fee")


def test_an_operator_is_named(staff: Any, db: Any) -> None:
    security = Security.objects.create(source="manual", external_id="x")
    with logs.bound(request_id="adminrequest"):
        rls.set_tenant(staff.pk)
        rls.set_operator()
        CorporateAction.objects.create(
            security=security, kind="split", ex_date="2026-01-05", ratio=2, source="operator"
        )
    entry = last("investments_corporateaction")
    assert (entry.actor_id, entry.subject_id, entry.request_id) == (staff.pk, None, "adminrequest")


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE {TABLE} SET actor_id = 1",
        f"DELETE FROM {TABLE}",
        f"TRUNCATE {TABLE}",
        f"INSERT INTO {TABLE} (role, operation, table_name, row_id, request_id) VALUES ('x', 'x', 'x', 'x', 'x')",
    ],
)
def test_nobody_changes_it(owner: Any, as_web: AsWeb, statement: str) -> None:
    """The first three not even the owner of the tables, a superuser here; the last neither web nor worker."""
    assert AuditEntry.objects.exists()
    if not statement.startswith("INSERT"):
        _refused(statement)
    with as_web(owner):
        _refused(statement)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE longview_worker")
        _refused(statement)
        cursor.execute("RESET ROLE")


def test_after_seven_years_it_may_go(owner: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {TABLE} DISABLE TRIGGER append_only")
        cursor.execute(f"UPDATE {TABLE} SET at = now() - interval '7 years 1 day'")
        cursor.execute(f"ALTER TABLE {TABLE} ENABLE TRIGGER append_only")
        cursor.execute("SET LOCAL ROLE longview_worker")
        cursor.execute(f"DELETE FROM {TABLE}")
        cursor.execute("RESET ROLE")
    assert not AuditEntry.objects.exists()


def test_each_sees_their_own_trail(owner: Any, other: Any, as_web: AsWeb) -> None:
    for user in (owner, other):
        with as_web(user):
            assert set(AuditEntry.objects.values_list("subject_id", flat=True)) == {user.pk}
    with as_web():
        assert not AuditEntry.objects.exists()


def test_it_is_shipped_as_lines_each_entry_once(owner: Any, other: Any) -> None:
    def shipped(after: int) -> tuple[list[dict[str, Any]], str]:
        lines, said = StringIO(), StringIO()
        call_command("export_audit", after=after, stdout=lines, stderr=said)
        return [json.loads(line) for line in lines.getvalue().splitlines()], said.getvalue()

    assert shipped(0)[0] == [], "what may still change its order is left for later"
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        entries, said = shipped(0)
        assert {entry["subject_id"] for entry in entries} == {owner.pk, other.pk}
        assert "example.com" not in str(entries)
        assert [entry["id"] for entry in entries] == sorted(AuditEntry.objects.values_list("id", flat=True))
        assert f"--after {entries[-1]['id']}" in said
        assert [entry["id"] for entry in shipped(entries[0]["id"])[0]] == [entry["id"] for entry in entries[1:]]


def test_operators_read_it_in_the_admin_and_change_nothing(client: Any, django_user_model: Any) -> None:
    boss = django_user_model.objects.create_superuser(email="boss@example.com", password="x")
    client.force_login(boss)
    entry = last("portfolio_site_user")
    page = client.get("/admin/portfolio_site/auditentry/")
    assert (page.status_code, b"portfolio_site_user" in page.content) == (200, True)
    detail = client.get(f"/admin/portfolio_site/auditentry/{entry.pk}/change/")
    assert (detail.status_code, b"[changed]" in detail.content, b"_save" in detail.content) == (200, True, False)
    assert client.get("/admin/portfolio_site/auditentry/add/").status_code == 403
