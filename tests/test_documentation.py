"""What the documentation names exists: links, files, settings, addresses, tasks, codes, models and their keys."""

import pkgutil
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPMethod
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.apps import apps
from django.conf import settings
from django.db import models
from django.urls import resolve

from history.models import Anomaly
from plaid_link.health import DIAGNOSES
from plaid_link.webhooks.effects import EFFECTS
from portfolio_site import showcase
from portfolio_site.schedule import SCHEDULE
from tests.documents import CHECKOUT, backticked, blocks, documents, named, prose, table_under

DOCS = CHECKOUT / "docs"
FEATURE = DOCS / "features" / "investments.md"
LINK = re.compile(r"\[[^]]*\]\(([^)#\s]*)(?:#([^)]*))?\)")
CODE = re.compile(r"(?:portfolio_site|investments|plaid_link|history)(?:\.\w+)+")
FILE = re.compile(r"[\w./-]+/[\w.-]+\.(?:py|md|sql|json)")
CAPITALS = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|[A-Z]{5,}")
RELATION = re.compile(r"^\s+(\w+) (\|\||\|o)--o([|{]) (\w+) : (\w+)$", re.MULTILINE)
ENTITY = re.compile(r"^    (\w+) \{\n(.*?)^    \}$", re.MULTILINE | re.DOTALL)
OWN_APPS = ("portfolio_site", "investments", "plaid_link", "history")
KINDS: dict[str, tuple[type[Any], ...]] = {
    "string": (models.CharField,),
    "bytes": (models.BinaryField,),
    "datetime": (models.DateTimeField,),
    "date": (models.DateField,),
    "decimal": (models.DecimalField,),
    "int": (models.IntegerField,),
    "float": (models.FloatField,),
    "bool": (models.BooleanField,),
    "json": (models.JSONField,),
    "uuid": (models.UUIDField,),
}


@dataclass(frozen=True, slots=True)
class Key:
    """A foreign key as a diagram draws it: `child.field` names a `parent`, or none; one child at most, or many."""

    parent: str
    child: str
    field: str
    optional: bool
    one: bool


class TestWhatIsNamed:
    @pytest.mark.parametrize("page", documents(), ids=named)
    def test_links_lead_somewhere(self, page: Path) -> None:
        for target, anchor in LINK.findall(page.read_text()):
            if "://" in target:
                continue
            there = (page.parent / target).resolve() if target else page
            assert there.exists(), target
            assert not anchor or anchor in _anchors(there), anchor

    def test_settings_and_codes(self) -> None:
        codes = {*DIAGNOSES, *(word for pair in EFFECTS for word in pair)}
        known = {*dir(settings), *_environment(), *codes, *dir(signal), *map(str, HTTPMethod)}
        named_in_capitals = {(page, text) for page, text in backticked() if CAPITALS.fullmatch(text)}
        assert len(named_in_capitals) > 20
        assert {(page, text) for page, text in named_in_capitals if text not in known} == set()

    def test_addresses(self) -> None:
        addresses = {text for _, text in backticked() if re.fullmatch(r"/[a-z][\w/-]*", text)}
        assert len(addresses) > 5
        for address in addresses:
            assert resolve(address.removeprefix(showcase.PREFIX))

    def test_files(self) -> None:
        files = {text for _, text in backticked() if FILE.fullmatch(text) and not text.startswith("/")}
        assert {text for text in files if not (CHECKOUT / text).is_file()} == set()

    def test_modules_functions_and_tasks(self) -> None:
        current_app.loader.import_default_modules()
        names = {text for _, text in backticked() if CODE.fullmatch(text)} - set(current_app.tasks)
        assert len(names) > 5
        for name in names:
            pkgutil.resolve_name(name)


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _environment() -> set[str]:
    return set(re.findall(r"^#([A-Z_]+)=", (CHECKOUT / ".env.example").read_text(), flags=re.MULTILINE))


class TestTables:
    def test_the_schedule(self) -> None:
        rows = table_under(DOCS / "cron_investments_sync.md", "name")
        told = {name: (task, every, queue) for name, task, every, queue, _ in rows}
        assert told == {name: (periodic.task, periodic.rhythm, periodic.queue) for name, periodic in SCHEDULE.items()}

    def test_every_error_code(self) -> None:
        told = {code: tuple(rest) for codes, *rest in table_under(FEATURE, "codes") for code in codes.split(", ")}
        assert told == {
            code: (
                found.status.value if found.status else "unchanged",
                "no" if found.permanent else "yes",
                found.sentence,
            )
            for code, found in DIAGNOSES.items()
        }

    def test_every_kind_of_anomaly(self) -> None:
        assert {kind for kind, _ in table_under(DOCS / "load_investments.md", "kind")} == set(Anomaly.Kind.values)


class TestDiagrams:
    def diagram(self) -> str:
        return next(block for block in blocks(FEATURE, "mermaid") if block.startswith("erDiagram"))

    def drawn(self) -> set[Key]:
        found = RELATION.findall(self.diagram())
        return {Key(parent, child, field, left == "|o", right == "|") for parent, left, right, child, field in found}

    def test_every_key_drawn_exists_and_every_key_is_drawn(self) -> None:
        drawn = self.drawn()
        names = {name for key in drawn for name in (key.parent, key.child)}
        there = {key for name in names for key in _keys(name) if key.parent in names}
        assert drawn - there == set()
        assert {key for key in there - drawn if key.field != "owner"} == set()

    def test_every_field_drawn_exists(self) -> None:
        entities = ENTITY.findall(self.diagram())
        assert len(entities) > 5
        for entity, lines in entities:
            for line in lines.splitlines():
                kind, name, *marks = line.split('"')[0].split()
                field = _model(entity)._meta.get_field(name)
                assert isinstance(field, KINDS[kind]), f"{entity}.{name} is no {kind}"
                assert ("UK" in marks) <= bool(getattr(field, "unique", False))

    def test_owners_are_where_the_text_says(self) -> None:
        without = re.search(r"Every table but (.*?) has an `owner`", prose(FEATURE))
        assert without is not None
        names = {name for key in self.drawn() for name in (key.parent, key.child)}
        assert set(re.findall(r"`(\w+)`", without[1])) == {name for name in names if not _has_owner(name)}

    @pytest.mark.parametrize("page", documents(), ids=named)
    def test_whoever_speaks_in_a_sequence_takes_part(self, page: Path) -> None:
        for block in blocks(page, "mermaid"):
            if block.startswith("sequenceDiagram"):
                present = set(re.findall(r"(?:participant|actor) (\w+) as", block))
                speaking = re.findall(r"^\s+(\w+)-?-(?:>>|\))(\w+):", block, flags=re.MULTILINE)
                assert speaking
                assert {name for pair in speaking for name in pair} <= present


def _model(name: str) -> type[models.Model]:
    ours = (model for app in OWN_APPS for model in apps.get_app_config(app).get_models())
    return next(model for model in ours if model.__name__ == name)


def _keys(name: str) -> Iterator[Key]:
    for field in _model(name)._meta.get_fields():
        if isinstance(field, models.ForeignKey) and field.concrete:
            parent = field.related_model.__name__  # type: ignore[union-attr]
            yield Key(parent, name, field.name, field.null, isinstance(field, models.OneToOneField))


def _has_owner(name: str) -> bool:
    return any(field.name == "owner" for field in _model(name)._meta.get_fields())
