"""The examples in docs/api.md, asked in their order of a portfolio with known sums."""

import json
import re
from dataclasses import dataclass
from typing import Any

import pytest

from tests.documents import CHECKOUT, blocks
from tests.fixtures import Portfolio

PAGE = CHECKOUT / "docs" / "api.md"
HEADER = re.compile(r"([A-Z][A-Za-z-]+): (.+)")


@dataclass(frozen=True, slots=True)
class Example:
    """What is asked, and of the answer the status and the fields that are shown."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    status: int
    shown: dict[str, Any]


def _example(block: str, ids: dict[str, int]) -> Example:
    for name, pk in ids.items():
        block = block.replace(name, str(pk))
    asked, answered = block.strip().split("\n\n")
    first, *rest = asked.splitlines()
    method, path = first.split()
    headers = dict(found.groups() for line in rest if (found := HEADER.fullmatch(line)))
    body = next((json.loads(line) for line in rest if line.startswith("{")), None)
    status, shown = answered.split("\n", 1)
    return Example(method, path, headers, body, int(status), json.loads(shown))


def _holds(answer: Any, shown: Any) -> bool:
    """Whether all that is shown is in the answer."""
    if isinstance(shown, dict):
        return all(name in answer and _holds(answer[name], value) for name, value in shown.items())
    return bool(answer == shown)


def test_every_example_is_answered_as_it_says(api: Any, portfolio: Portfolio) -> None:
    caller, ids = api(portfolio.owner), {"IRA": portfolio.ira.pk, "{id}": portfolio.ira.pk}
    examples = [_example(block, ids) for block in blocks(PAGE, "http")]
    assert len(examples) >= 6
    for example in examples:
        answer = caller.generic(
            example.method,
            example.path,
            b"" if example.body is None else json.dumps(example.body).encode(),
            content_type="application/json",
            headers=example.headers,
        )
        assert answer.status_code == example.status, (example, answer.content)
        assert _holds(answer.json(), example.shown), (example, answer.json())


def test_one_signs_in_as_it_says(api: Any, django_user_model: Any) -> None:
    """The curl lines: what is sent, where, and what the comment says of the answer."""
    sign_in, ask = blocks(PAGE, "sh")[0].strip().replace("\\\n", "").splitlines()
    sent = json.loads(re.findall(r"-d '([^']*)'", sign_in)[0])
    django_user_model.objects.create_user(sent["email"], sent["password"])
    given = api().post(re.findall(r"localhost:8000(\S+)", sign_in)[0], sent).json()
    assert set(given) == set(json.loads(sign_in.rpartition("#")[2]))
    bearer = re.findall(r'"Authorization: ([^"]*)"', ask)[0].replace("$ACCESS", given["access"])
    answer = api().get(re.findall(r"localhost:8000(\S+)", ask)[0], headers={"Authorization": bearer})
    assert answer.status_code == 200


def test_every_block_is_run_by_a_test() -> None:
    kinds = re.findall(r"^```(\w+)$", PAGE.read_text(), re.MULTILINE)
    assert set(kinds) == {"http", "sh"}
    assert kinds.count("sh") == 3, "signing in, run above; and schemathesis twice, run by tests/test_api_schema_held.py"


@pytest.mark.parametrize(("answer", "shown", "holds"), [
    ({"a": 1, "b": 2}, {"a": 1}, True), ({"a": 1}, {"a": 2}, False), ({}, {"a": None}, False),
    ({"a": {"b": 1}}, {"a": {"b": 1}}, True), ({"a": [1]}, {"a": []}, False),
])  # fmt: skip
def test_what_is_shown_has_to_be_there(answer: Any, shown: Any, holds: bool) -> None:
    assert _holds(answer, shown) is holds
