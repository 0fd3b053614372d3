import base64
import os
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from portfolio_site.checks import refuse_demo_secrets

OWN_KEY = "2026a:" + base64.b64encode(bytes(range(32))).decode()
OWN_LOOKUP_KEY = "2026a:" + base64.b64encode(bytes(range(32, 64))).decode()


def _ids() -> set[str]:
    return {str(message.id) for message in run_checks() if str(message.id).startswith("longview.")}


@pytest.fixture
def production(settings: Any) -> Any:
    """Production as it should be."""
    settings.PRODUCTION = True
    settings.DEBUG = False
    settings.SECRET_KEY = "x" * 60
    settings.ENCRYPTION_KEYS = OWN_KEY
    settings.LOOKUP_KEYS = OWN_LOOKUP_KEY
    settings.PLAID_HOST = "https://production.plaid.com"
    return settings


def test_development_may_run_on_demo_secrets() -> None:
    assert settings.SECRET_KEY == settings.DEMO_SECRET
    assert _ids() == set()


def test_a_proper_production_starts(production: Any) -> None:
    assert _ids() == set()
    refuse_demo_secrets()


@pytest.mark.parametrize(
    ("name", "value", "check"),
    [
        ("SECRET_KEY", settings.DEMO_SECRET, "longview.E001"),
        ("SECRET_KEY", "short", "longview.E002"),
        ("ENCRYPTION_KEYS", "2026a:bm90LTMyLWJ5dGVz", "longview.E003"),
        ("ENCRYPTION_KEYS", settings.DEMO_ENCRYPTION_KEYS, "longview.E004"),
        ("ENCRYPTION_KEYS", f"{OWN_KEY},old:{settings.DEMO_ENCRYPTION_KEYS.partition(':')[2]}", "longview.E004"),
        ("LOOKUP_KEYS", "2026a:bm90LTMyLWJ5dGVz", "longview.E003"),
        ("LOOKUP_KEYS", settings.DEMO_LOOKUP_KEYS, "longview.E004"),
        ("LOOKUP_KEYS", OWN_KEY, "longview.E008"),
        ("PLAID_HOST", "http://production.plaid.com", "longview.E005"),
        ("PLAID_HOST", "https://127.0.0.1:8700", "longview.E005"),
        ("DEBUG", True, "longview.E006"),
    ],
)
def test_production_refuses_what_is_the_demos(production: Any, name: str, value: Any, check: str) -> None:
    setattr(production, name, value)
    assert _ids() == {check}
    with pytest.raises(ImproperlyConfigured, match=check):
        refuse_demo_secrets()


def test_an_unusable_keyring_is_told_in_development_too(settings: Any) -> None:
    settings.ENCRYPTION_KEYS = "nonsense"
    assert _ids() == {"longview.E003"}


def test_nothing_is_left_to_say_before_a_deployment() -> None:
    given = {
        "LONGVIEW_ENV": "production",
        "SECRET_KEY": "".join(map(chr, range(48, 123))),
        "ENCRYPTION_KEYS": OWN_KEY,
        "LOOKUP_KEYS": OWN_LOOKUP_KEY,
        "PLAID_HOST": "https://production.plaid.com",
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    told = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        env={**os.environ, **given}, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (told.returncode, "no issues" in told.stdout) == (0, True), told.stderr


def test_a_receiver_without_its_package_is_told(settings: Any, monkeypatch: Any) -> None:
    settings.SENTRY_DSN, settings.OTLP_URL = "https://key@sentry.example.com/1", "http://127.0.0.1:4318"
    monkeypatch.setattr("portfolio_site.lib.telemetry._is_installed", lambda package: package != "sentry_sdk")
    assert _ids() == {"longview.E007"}


@pytest.mark.parametrize("server", ["asgi", "wsgi"])
def test_a_server_in_production_does_not_start_with_demo_secrets(server: str) -> None:
    engines = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1/0"}
    result = subprocess.run(
        [sys.executable, "-c", f"import portfolio_site.{server}"],
        env={**os.environ, **engines, "LONGVIEW_ENV": "production"},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 1
    assert "longview.E001" in result.stderr
    assert settings.DEMO_SECRET not in result.stderr
