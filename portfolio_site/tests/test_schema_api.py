import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from drf_spectacular.generators import EndpointEnumerator
from jsonschema import Draft202012Validator, FormatChecker

SCHEMA, DOCS = "/api/schema/", "/api/docs/"


@pytest.fixture
def schema(client: Any, db: None) -> dict[str, Any]:
    document: dict[str, Any] = client.get(SCHEMA).json()
    return document


def _operations(schema: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, verb, operation) for path, verbs in schema["paths"].items() for verb, operation in verbs.items()]


def test_the_schema_is_made_without_a_warning() -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=StringIO())


def test_the_schema_is_the_one_that_was_agreed_on() -> None:
    """Whoever changes the API on purpose runs `make schema` and commits what clients will see differ."""
    out = StringIO()
    call_command("spectacular", stdout=out)
    agreed = (Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml").read_text()
    assert yaml.safe_load(out.getvalue()) == yaml.safe_load(agreed), "make schema"


def test_json_and_yaml_say_the_same(client: Any, schema: dict[str, Any]) -> None:
    assert schema["openapi"].startswith("3.1.")
    assert yaml.safe_load(client.get(SCHEMA, {"format": "yaml"}).content) == schema


def test_every_operation_is_described(schema: dict[str, Any]) -> None:
    operations = _operations(schema)
    assert len(operations) >= 14
    for path, verb, operation in operations:
        assert operation.get("summary"), (path, verb)
        assert operation.get("description"), (path, verb)
        assert operation.get("tags", ["api"]) != ["api"], (path, verb)


def test_ids_of_operations_are_unique(schema: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, _, operation in _operations(schema)]
    assert len(ids) == len(set(ids))


def test_every_answer_with_a_body_shows_an_example(schema: dict[str, Any]) -> None:
    bare = []
    for path, verb, operation in _operations(schema):
        for status in ("200", "202"):
            content = operation["responses"].get(status, {}).get("content", {})
            bare += [(path, verb) for media in content.values() if "examples" not in media]
    assert set(bare) == {("/health", "get")}


def _examples(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """(which, schema, example) of every request and answer in JSON."""
    for path, verb, operation in _operations(schema):
        bodies = {"request": operation.get("requestBody", {}), **operation["responses"]}
        for status, body in bodies.items():
            for media_type, media in body.get("content", {}).items():
                for name, example in media.get("examples", {}).items() if "json" in media_type else ():
                    yield f"{verb} {path} {status}: {name}", media["schema"], example["value"]


def test_every_example_is_what_the_schema_says(schema: dict[str, Any]) -> None:
    wrong = []
    examples = list(_examples(schema))
    for which, told, example in examples:
        validator = Draft202012Validator({**told, "components": schema["components"]}, format_checker=FormatChecker())
        wrong += [f"{which}: {error.json_path} {error.message[:120]}" for error in validator.iter_errors(example)]
    assert len(examples) > 80
    assert wrong == []


def test_every_protected_operation_names_its_problems(schema: dict[str, Any]) -> None:
    for path, verb, operation in _operations(schema):
        if not path.startswith(("/api/plaid/", "/api/webhooks/", "/webhook/")) and operation.get("security"):
            assert "application/problem+json" in operation["responses"]["401"]["content"], (path, verb)


def test_money_is_text(schema: dict[str, Any]) -> None:
    value = schema["components"]["schemas"]["Value"]["properties"]["total"]
    assert (value["type"], value["format"]) == ("string", "decimal")


def test_the_docs_hold_no_inline_script_or_style(client: Any, db: None) -> None:
    answer = client.get(DOCS)
    page = answer.content.decode()
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", page) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=", page) == []
    sources = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(sources) == 5
    assert all(source.startswith("/") and not source.startswith("//") for source in sources)


def test_the_docs_script_is_served_as_script(client: Any, db: None) -> None:
    answer = client.get(DOCS, {"script": ""})
    assert answer["Content-Type"].startswith("application/javascript")
    assert f'url: "{SCHEMA}"' in answer.content.decode()


def _told(schema: dict[str, Any], path: str) -> set[str]:
    return {each["name"] for each in schema["paths"][path]["get"].get("parameters", [])}


def test_every_filter_that_is_heeded_is_told(schema: dict[str, Any]) -> None:
    lists = [
        (path, view.cls.filterset_class)
        for path, _, method, view in EndpointEnumerator().get_api_endpoints()
        if method == "GET" and "{" not in path and getattr(view.cls, "filterset_class", None)
    ]
    assert len(lists) >= 8
    for path, filters in lists:
        heeded = {"filter_account", "source_filter"} if path == "/api/v1/export" else set(filters.base_filters)
        assert heeded <= _told(schema, path), path


def test_whoever_asks_for_the_portfolio_may_choose_accounts(schema: dict[str, Any]) -> None:
    about_the_job = "/api/portfolio/snapshots/status"
    for path, operations in schema["paths"].items():
        if path.startswith("/api/portfolio/") and "get" in operations and path != about_the_job:
            assert {"filter_account", "source_filter"} <= _told(schema, path), path


def test_a_feed_tells_its_pages(schema: dict[str, Any]) -> None:
    assert {"limit", "cursor", "count"} <= _told(schema, "/api/portfolio/activities")
