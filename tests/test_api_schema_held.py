"""Schemathesis against the running site, as docs/api.md promises: examples with every run, all phases with the slow."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from tests.fixtures import make_portfolio

SCHEMATHESIS = Path(sys.executable).parent / "schemathesis"
EVERY_PHASE = "examples,coverage,fuzzing,stateful"
# A run each: all of them in one take a quarter of an hour.
TAGS = (
    "auth", "health", "import", "income", "investments", "jobs", "ledger", "market", "plaid", "portfolio", "privacy",
    "tax",
)  # fmt: skip
WHO = {"API_EMAIL": "owner@example.com", "API_PASSWORD": "correct horse battery"}
SELECTED = re.compile(r"(\d+) selected / (\d+) total")

pytestmark = pytest.mark.skipif(not SCHEMATHESIS.exists(), reason="requirements-dev.txt is not installed")


@pytest.fixture
def site(live_server: Any, django_user_model: Any) -> str:
    """Where it runs, for somebody who has something."""
    make_portfolio(django_user_model.objects.create_user(email=WHO["API_EMAIL"], password=WHO["API_PASSWORD"]))
    return f"{live_server.url}/api/schema/"


def run(site: str, *told: str) -> str:
    """What it says; it has to have found nothing."""
    ran = subprocess.run(
        [SCHEMATHESIS, "run", site, "--checks", "all", "--seed", "1", "--no-color", *told],
        cwd=settings.BASE_DIR, env={**os.environ, **WHO}, capture_output=True, text=True, timeout=290, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-1000:]
    return ran.stdout


@pytest.mark.django_db(transaction=True)
def test_the_examples_hold(site: str) -> None:
    asked = SELECTED.search(run(site, "--phases", "examples"))
    assert asked is not None
    assert asked[1] == asked[2]


def operations() -> list[dict[str, Any]]:
    document = yaml.safe_load((settings.BASE_DIR / "docs" / "openapi.yaml").read_text())
    return [each for path in document["paths"].values() for each in path.values() if isinstance(each, dict)]


def test_every_operation_belongs_to_one_run() -> None:
    assert {tuple(each["tags"]) for each in operations()} == {(tag,) for tag in TAGS}


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("tag", TAGS)
def test_nothing_is_found(site: str, tag: str) -> None:
    told = run(site, "--phases", EVERY_PHASE, "--max-examples", "10", "--include-tag", tag)
    tested = re.search(r"Tested: (\d+)", told)
    assert tested is not None
    assert int(tested[1]) == sum(each["tags"] == [tag] for each in operations())
