"""Columns sealed by a migration, and opened by its way back: nothing is lost, noted, or left half-done."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from investments.models import Account
from plaid_link.models import ImportBatch
from portfolio_site.lib import sealing
from portfolio_site.models import AuditEntry, IdempotentRequest, User
from tests.everything import make_everything

BEFORE = [
    ("investments", "0016_contract_size"),
    ("plaid_link", "0011_sync_runs_by_time"),
    ("portfolio_site", "0007_terms_version"),
]
PLAIN = {
    "portfolio_site_user": ("email", "first_name", "last_name"),
    "account_emailaddress": ("email",),
    "usersessions_usersession": ("ip", "user_agent"),
    "portfolio_site_idempotentrequest": ("body",),
    "investments_account": ("mask",),
    "plaid_link_importbatch": ("file_name", "sample", "questions", "options"),
}


def migrate(targets: list[tuple[str, str]]) -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(targets)


def read() -> list[list[Any]]:
    models = (User, EmailAddress, UserSession, IdempotentRequest, Account, ImportBatch)
    return [
        list(model._default_manager.order_by("pk").values_list("pk", *PLAIN[model._meta.db_table])) for model in models
    ]


def stored(table: str, column: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT string_agg("{column}"::text, \' \') FROM "{table}"')
        return str(cursor.fetchone()[0])


@pytest.fixture
def people(transactional_db: Any, django_user_model: Any) -> Any:
    owner = django_user_model.objects.create_user(email="ada@example.com", first_name="Ada", last_name="Lovelace")
    for number in range(4):
        django_user_model.objects.create_user(email=f"more-{number}@example.com")
    make_everything(owner)
    EmailAddress.objects.create(user=owner, email=owner.email, verified=True, primary=True)
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    yield owner
    migrate(latest)


def test_there_and_back(people: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BATCH", 2)
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    before, noted = read(), AuditEntry.objects.count()
    migrate(BEFORE)
    assert "ada@example.com" in stored("portfolio_site_user", "email")
    assert stored("investments_account", "mask").split()[:2] == ["4821", "4821"]
    assert "10.0.0.1" in stored("usersessions_usersession", "ip")
    _stopped_after_the_first_batch(monkeypatch, latest)
    migrate(latest)
    assert read() == before
    assert "ada@example.com" not in stored("portfolio_site_user", "email")
    assert AuditEntry.objects.count() == noted, "it is nobody's act"
    assert User.objects.get(email="ada@example.com") == people


def _stopped_after_the_first_batch(monkeypatch: pytest.MonkeyPatch, latest: Any) -> None:
    filled = []
    fill = sealing._Exchange._fill_batch

    def stops(self: Any) -> bool:
        if filled:
            raise KeyboardInterrupt
        filled.append(1)
        return fill(self)

    monkeypatch.setattr(sealing._Exchange, "_fill_batch", stops)
    with pytest.raises(KeyboardInterrupt):
        migrate(latest)
    monkeypatch.setattr(sealing._Exchange, "_fill_batch", fill)
