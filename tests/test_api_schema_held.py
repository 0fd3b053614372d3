"""Schemathesis against the running site, as docs/api.md promises: examples with every run, all phases with the slow."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from rest_framework_simplejwt.tokens import AccessToken

from tests.fixtures import make_portfolio

SCHEMATHESIS = Path(sys.executable).parent / "schemathesis"
EVERY_PHASE = "examples,coverage,fuzzing,stateful"


@pytest.mark.skipif(not SCHEMATHESIS.exists(), reason="requirements-dev.txt is not installed")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("phases", ["examples", pytest.param(EVERY_PHASE, marks=pytest.mark.slow)])
def test_nothing_is_found(live_server: Any, django_user_model: Any, phases: str) -> None:
    portfolio = make_portfolio(django_user_model.objects.create_user(email="owner@example.com"))
    told = ["--checks", "all", "--phases", phases, "--max-examples", "3", "--seed", "1", "--no-color"]
    access = ["-H", f"Authorization: Bearer {AccessToken.for_user(portfolio.owner)}"]
    ran = subprocess.run(
        [SCHEMATHESIS, "run", f"{live_server.url}/api/schema/", *told, *access],
        cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=290, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-1000:]
    asked = re.search(r"(\d+) selected / (\d+) total", ran.stdout)
    assert asked is not None
    assert asked[1] == asked[2]
