"""What a user takes away is all there is of them; what they ask to have deleted is gone, and only that."""

import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from plaid_link.models import Item
from portfolio_site import privacy
from portfolio_site.models import AuditEntry, DeletionProof, Job, User, UserExport
from tests.everything import MARK, make_everything
from tests.fixtures import make_portfolio

EXPORT, USER, PASSWORD = "/api/v1/user/export", "/api/v1/user", "correct horse battery"


def _files(content: bytes) -> dict[str, list[Any]]:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        assert packed.testzip() is None
        return {
            name.removesuffix(".jsonl"): [json.loads(line) for line in packed.read(name).splitlines()]
            for name in packed.namelist()
            if name.endswith(".jsonl")
        }


def _made(api: Any, user: Any) -> dict[str, list[Any]]:
    queued = api(user).get(EXPORT)
    assert queued.status_code == 202
    privacy.make_export(queued.json()["job_id"])
    answer = api(user).get(EXPORT)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
    assert answer["Cache-Control"] == "private, no-store"
    return _files(answer.content)


@pytest.fixture
def rich(owner: Any, other: Any) -> Any:
    """The owner has a row of every table, the other has some."""
    make_portfolio(other)
    make_everything(owner)
    UserExport.objects.all().delete()
    return owner


@pytest.fixture
def taken(api: Any, rich: Any, monkeypatch: Any) -> dict[str, list[Any]]:
    # A test is one transaction, in which the isolation cannot be chosen any more.
    monkeypatch.setattr(privacy, "ISOLATED", "SELECT 1")
    return _made(api, rich)


def test_every_row_of_every_owned_table_is_in_it(rich: Any, taken: dict[str, list[Any]]) -> None:
    tables = {model._meta.db_table for model in privacy.owned_models()}
    assert len(tables) > 15
    assert set(taken) == (tables - privacy.NOT_EXPORTED) | {"securities", "audit_trail"}
    for table in tables - privacy.NOT_EXPORTED - {"portfolio_site_job"}:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {table} WHERE owner_id = %s", [rich.pk])
            assert len(taken[table]) == cursor.fetchone()[0] > 0, table
    assert {row["owner_id"] for table, rows in taken.items() if table in tables for row in rows} == {rich.pk}


def test_figures_are_exact_and_tokens_are_left_out(taken: dict[str, list[Any]]) -> None:
    (bought,) = (row for row in taken["investments_transaction"] if row["name"] == "Buy Apple")
    assert (bought["amount"], bought["date"]) == (1804.95, "2026-01-06")
    assert "access_token_encrypted" not in taken["plaid_link_item"][0]
    assert MARK in json.dumps(taken["securities"])


def test_asked_again_within_a_day_it_is_the_same(api: Any, rich: Any, taken: Any) -> None:
    api(rich).get(EXPORT)
    assert UserExport.objects.filter(owner=rich).count() == Job.objects.filter(owner=rich, kind="export").count() == 1
    UserExport.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert api(rich).get(EXPORT).status_code == 202


def test_one_that_broke_is_made_anew(api: Any, rich: Any) -> None:
    first = api(rich).get(EXPORT).json()["job_id"]
    Job.objects.get(pk=first).fail("broke")
    assert api(rich).get(EXPORT).json()["job_id"] != first


def test_deletion_is_meant(api: Any, owner: Any) -> None:
    for confirm in ("", "other@example.com"):
        answer = api(owner).delete(f"{USER}?confirm={confirm}")
        assert (answer.status_code, set(answer.json()["errors"])) == (400, {"confirm"})
    assert User.objects.get(pk=owner.pk).deletion_requested_at is None


def test_from_then_on_one_is_out_and_nothing_is_read(api: Any, rich: Any) -> None:
    pair = api().post("/api/auth/token/", {"email": rich.email, "password": PASSWORD}).json()
    answer = api(rich).delete(f"{USER}?confirm={rich.email}")
    assert answer.status_code == 202
    assert api(rich).get("/api/portfolio/value").status_code == 401
    assert api().post("/api/auth/token/refresh/", {"refresh": pair["refresh"]}).status_code == 401
    assert set(Item.objects.filter(owner=rich).values_list("status", flat=True)) == {"disconnected"}


def test_before_thirty_days_it_can_be_taken_back(rich: Any) -> None:
    privacy.request_deletion(rich)
    User.objects.update(deletion_requested_at=timezone.now() - timedelta(days=29))
    privacy.purge_deleted_users()
    assert privacy.restore(rich.pk)
    assert User.objects.get(pk=rich.pk).is_active


def test_after_thirty_days_everything_is_gone_and_a_proof_is_there(rich: Any, other: Any) -> None:
    theirs = _counts(other.pk)
    Item.objects.filter(owner=rich).update(access_token_encrypted=b"")
    privacy.request_deletion(rich)
    User.objects.filter(pk=rich.pk).update(deletion_requested_at=timezone.now() - timedelta(days=31))
    privacy.purge_deleted_users()
    assert set(_counts(rich.pk).values()) == {0}
    assert _counts(other.pk) == theirs
    assert not User.objects.filter(pk=rich.pk).exists()
    proof = DeletionProof.objects.get(user_id=rich.pk)
    assert proof.email_digest == privacy.digest_of("OWNER@example.com")
    assert proof.rows["investments_account"] == 2
    trail = json.dumps(
        list(AuditEntry.objects.filter(subject_id=rich.pk, table_name="portfolio_site_user").values("new"))
    )
    assert rich.email not in trail
    privacy.purge_deleted_users()
    assert DeletionProof.objects.count() == 1


def test_what_an_institution_still_knows_is_not_deleted_yet(rich: Any, monkeypatch: Any) -> None:
    """The token cannot be opened here, so that nobody can be told to forget it."""
    privacy.request_deletion(rich)
    User.objects.filter(pk=rich.pk).update(deletion_requested_at=timezone.now() - timedelta(days=31))
    privacy.purge_deleted_users()
    assert User.objects.filter(pk=rich.pk).exists()
    assert not DeletionProof.objects.exists()


def _counts(user_id: int) -> dict[str, int]:
    tables = [model._meta.db_table for model in privacy.owned_models()]
    with connection.cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join(
                f"SELECT '{table}', count(*) FROM {table} WHERE owner_id = {user_id}" for table in tables
            )
        )
        return dict(cursor.fetchall())


class TestPages:
    def test_leaving_takes_the_password(self, client: Any, owner: Any) -> None:
        client.force_login(owner)
        assert b"not your password" in client.post("/settings/leave/", {"password": "x"}).content
        left = client.post("/settings/leave/", {"password": PASSWORD}, follow=True)
        assert b"will be deleted for good on" in left.content
        assert client.get("/settings/").status_code == 302
        assert User.objects.get(pk=owner.pk).deletion_requested_at is not None

    def test_taking_away(self, client: Any, owner: Any, monkeypatch: Any) -> None:
        monkeypatch.setattr(privacy, "ISOLATED", "SELECT 1")
        client.force_login(owner)
        assert b"being collected" in client.post("/settings/data/", follow=True).content
        privacy.make_export(str(UserExport.objects.get().job_id))
        assert set(_files(client.post("/settings/data/").content)) >= {"investments_account", "audit_trail"}
