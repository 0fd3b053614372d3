"""The three people of every test, and the database as the web process sees it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test.utils import setup_databases, teardown_databases

from portfolio_site.lib import rls
from tests.database import empty_unmanaged
from tests.template import migrated_template

pytest_plugins = ["tests.fixtures", "tests.scheduling"]


@pytest.fixture(scope="session")
def template_database(django_test_environment: None, django_db_modify_db_settings: None, django_db_blocker: Any) -> str:
    """The name of a migrated database on the tests' server, to be copied."""
    with django_db_blocker.unblock():
        return migrated_template()


@pytest.fixture(scope="session")
def django_db_setup(template_database: str, django_db_blocker: Any) -> Iterator[None]:
    """The test database for whoever asks: pytest-django's own makes none for fixtures that last longer than a test."""
    with django_db_blocker.unblock():
        connection.settings_dict["TEST"]["TEMPLATE"] = template_database
        made = setup_databases(verbosity=0, interactive=False, aliases={"default"})
    yield
    with django_db_blocker.unblock():
        teardown_databases(made, verbosity=0)


@pytest.fixture(autouse=True)
def committed_rows_gone(request: pytest.FixtureRequest, django_db_blocker: Any) -> Iterator[None]:
    """After a test that commits; set up before its database, hence taken down after it."""
    yield
    marker = request.node.get_closest_marker("django_db")
    if "transactional_db" in request.fixturenames or (marker is not None and marker.kwargs.get("transaction")):
        with django_db_blocker.unblock():
            empty_unmanaged()


@pytest.fixture
def owner(db: Any, django_user_model: Any) -> Any:
    return django_user_model.objects.create_user(email="owner@example.com", password="correct horse battery")


@pytest.fixture
def other(db: Any, django_user_model: Any) -> Any:
    return django_user_model.objects.create_user(email="other@example.com", password="correct horse battery")


@pytest.fixture
def staff(db: Any, django_user_model: Any) -> Any:
    return django_user_model.objects.create_user(
        email="staff@example.com", password="correct horse battery", is_staff=True
    )


@contextmanager
def _as_web(user: Any = None) -> Iterator[None]:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL ROLE {settings.WEB_ROLE}")
        if user is not None:
            rls.set_tenant(user.pk)
        yield
        # An error rolls the savepoint back, and the role with it.
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE; SELECT set_config('app.user_id', '', true)")


@pytest.fixture
def as_web(db: Any) -> Callable[..., AbstractContextManager[None]]:
    """`with as_web(user):` row security as the web process has it; a test's own superuser would prove nothing."""
    return _as_web
