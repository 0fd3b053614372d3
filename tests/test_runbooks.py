"""What the documentation says to type, click, call and query is there, and does what it says."""

import io
import pkgutil
import re
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from celery import current_app
from celery.bin.celery import celery as celery_command
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.utils import get_fields_from_path
from django.core.management import call_command, get_commands, load_command_class
from django.db import connection
from django.test import Client
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from django.utils.text import capfirst

from investments import ledger
from investments.entries import InstitutionEntry
from plaid_link import tasks
from plaid_link.models import Item
from plaid_link.tokens import seal_token
from portfolio_site.lib.crypto import Keyring
from portfolio_site.models import Job
from tests.documents import CHECKOUT, RUNBOOKS, Command, blocks, commands, documents, named, prose

SECTIONS = ("Symptom", "How to see it", "What to do", "How to know that it worked", "What not to do")
PAGES = sorted(RUNBOOKS.glob("[!R]*.md"))
CLICKS = re.compile(r"\*\*Admin > ([^*]+)\*\*")
METHOD = "(?:GET|POST|PUT|PATCH|DELETE)"
CALL = re.compile(rf"\b({METHOD}(?:, {METHOD})*) (/[a-z][\w/{{}}-]*(?:\.\w+)?)")
JOB_ID = "00000000-0000-0000-0000-000000000000"

MANAGE = [command for command in commands() if "manage.py" in command.words]
CELERY = [command for command in commands() if command.words[0].endswith("/celery")]
SNIPPETS = [command for command in commands() if command.words[1:2] == ("-c",)]
OTHERS = [command for command in commands() if command not in [*MANAGE, *CELERY, *SNIPPETS]]
QUERIES = [(named(path), sql) for path in documents() for sql in blocks(path, "sql")]


@pytest.fixture
def as_worker(db: None) -> Iterator[None]:
    """The database role that LONGVIEW_ROLE=worker gives a command."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {settings.WORKER_ROLE}")
        yield
        cursor.execute("RESET ROLE")


@pytest.fixture
def item(owner: Any) -> Item:
    institution = ledger.upsert_institution(entry=InstitutionEntry("ins_1", "First Platypus"))
    sealed = seal_token("access-sandbox-secret", item_id="item-1")
    return Item.objects.create(
        owner=owner, institution=institution, item_id="item-1", access_token_encrypted=sealed, status="ok"
    )


def run(command: Command) -> str:
    out = io.StringIO()
    name, *arguments = command.words[command.words.index("manage.py") + 1 :]
    call_command(name, *arguments, stdout=out)
    return out.getvalue()


def query_of(page: str, part: str) -> str:
    return next(sql for sql in blocks(RUNBOOKS / page, "sql") if part in sql)


class TestPages:
    @pytest.mark.parametrize("page", PAGES, ids=named)
    def test_a_runbook_answers_the_five_questions(self, page: Path) -> None:
        headings = re.findall(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)
        assert [heading for heading in SECTIONS if heading not in headings] == []

    def test_the_index_lists_every_runbook(self) -> None:
        index = (RUNBOOKS / "README.md").read_text()
        assert [page.name for page in PAGES if f"]({page.name})" not in index] == []


class TestCommands:
    def test_there_are_some_of_each_kind(self) -> None:
        assert all((MANAGE, CELERY, SNIPPETS, OTHERS, QUERIES))

    @pytest.mark.parametrize("command", MANAGE, ids=str)
    def test_a_command_of_manage_exists_and_takes_these_arguments(self, command: Command) -> None:
        name, *arguments = command.words[command.words.index("manage.py") + 1 :]
        app = get_commands()[name]
        loaded = load_command_class(app, name) if isinstance(app, str) else app
        loaded.create_parser("manage.py", name).parse_args(arguments)

    @pytest.mark.parametrize("command", MANAGE, ids=str)
    def test_it_runs_in_its_role_where_there_is_nothing_to_do(
        self, command: Command, db: None, request: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if "LONGVIEW_ROLE=worker" in command.environment:
            request.getfixturevalue("as_worker")
        (tmp_path / "prices.csv").write_text("symbol,date,close\nAAPL,2026-11-20,227.50\n")
        monkeypatch.chdir(tmp_path)
        run(command)

    @pytest.mark.parametrize("command", CELERY, ids=str)
    def test_a_command_of_celery_exists_and_takes_these_arguments(self, command: Command) -> None:
        assert command.words[1:3] == ("-A", "portfolio_site")
        name, *arguments = command.words[3:]
        celery_command.commands[name].make_context(name, [*arguments], resilient_parsing=True)
        if name == "call":
            current_app.loader.import_default_modules()
            assert arguments[0] in current_app.tasks

    @pytest.mark.parametrize("command", SNIPPETS, ids=str)
    def test_a_snippet_makes_a_usable_key(self, command: Command) -> None:
        said = io.StringIO()
        with redirect_stdout(said):
            exec(compile(command.words[2], "snippet", "exec"), {})
        assert len(Keyring.parse(said.getvalue().strip()).keys) == 1

    @pytest.mark.parametrize("command", OTHERS, ids=str)
    def test_any_other_command_is_of_this_checkout(self, command: Command) -> None:
        program, *arguments = command.words
        if program == "make":
            targets = re.findall(r"^(\w+):", (CHECKOUT / "Makefile").read_text(), flags=re.MULTILINE)
            assert {word for word in arguments if "=" not in word} <= set(targets)
        elif program == "curl":
            address = next(word for word in arguments if word.startswith("localhost:8000/"))
            assert resolve(urlsplit(f"//{address}").path)
        elif program.endswith("/gunicorn"):
            assert pkgutil.resolve_name(arguments[1].removeprefix("python:")).worker_class == "gthread"
            assert callable(pkgutil.resolve_name(f"{arguments[-1]}:application"))
        else:
            assert (CHECKOUT / program).is_file()


class TestQueries:
    @pytest.mark.parametrize(("page", "sql"), QUERIES)
    def test_a_query_runs_as_the_worker(self, page: str, sql: str, as_worker: None) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql)

    def test_rotating_is_seen_in_the_query(self, item: Item, as_worker: None, settings: Any) -> None:
        sealed_with = query_of("key-rotation.md", "key_id")
        settings.ENCRYPTION_KEYS = f"2026b:{'A' * 43}=,{settings.ENCRYPTION_KEYS}"
        rotate = next(command for command in MANAGE if "rotate_keys" in command.words)
        with connection.cursor() as cursor:
            cursor.execute(sealed_with)
            assert cursor.fetchall() == [("demo", 1)]
            assert "2 sealed anew" in run(rotate), "the token, and who its owner is"
            assert "0 sealed anew" in run(rotate)
            cursor.execute(sealed_with)
            assert cursor.fetchall() == [("2026b", 1)]

    def test_a_job_put_back_is_sent_by_the_sweep(
        self, owner: Any, item: Item, as_worker: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        long_ago = timezone.now() - timedelta(hours=1)
        job = Job.objects.create(pk=JOB_ID, owner=owner, kind="sync", state="running", created_at=long_ago)
        sent: list[str] = []
        monkeypatch.setattr("plaid_link.jobs.enqueue", lambda queued: sent.append(str(queued.pk)))
        tasks.sync_stale_items()
        assert sent == []
        with connection.cursor() as cursor:
            cursor.execute(query_of("stuck-job.md", "SELECT id, owner_id, kind"))
            assert [str(row[0]) for row in cursor.fetchall()] == [JOB_ID]
            cursor.execute(query_of("stuck-job.md", "UPDATE"))
        tasks.sync_stale_items()
        assert sent == [str(job.pk)]


class TestAdmin:
    def clicks(self) -> set[tuple[str, ...]]:
        return {tuple(path.split(" > ")) for page in documents() for path in CLICKS.findall(prose(page))}

    def test_every_list_and_action_exists(self, db: None, client: Client, django_user_model: Any) -> None:
        person = django_user_model.objects.create_superuser(email="operator@example.com", password="correct horse")
        client.force_login(person)
        lists = {
            (str(model._meta.app_config.verbose_name), capfirst(model._meta.verbose_name_plural)): registered
            for model, registered in admin.site._registry.items()
        }
        clicks = self.clicks()
        assert len(clicks) > 8
        for app, model, *action in clicks:
            registered = lists[app, model]
            options = registered.model._meta
            assert client.get(reverse(f"admin:{options.app_label}_{options.model_name}_changelist")).status_code == 200
            said = {str(description) for _, _, description in registered._get_base_actions()}
            assert set(action) <= said, (app, model, action)

    def test_every_filter_exists(self) -> None:
        wanted = {title for page in documents() for title in re.findall(r"\*\*By ([^*]+)\*\*", prose(page))}
        assert wanted <= set(_filter_titles())


def _filter_titles() -> Iterator[str]:
    for model, registered in admin.site._registry.items():
        for entry in registered.list_filter:
            if isinstance(entry, str):
                yield get_fields_from_path(model, entry)[-1].verbose_name
            yield from [entry.title] if hasattr(entry, "title") else []


class TestAddresses:
    @pytest.mark.parametrize("page", documents(), ids=named)
    def test_every_call_has_a_view_that_takes_it(self, page: Path) -> None:
        for methods, path in CALL.findall(page.read_text()):
            view = _view_at(path)
            assert _takes(view, set(methods.split(", "))), (methods, path)


def _view_at(path: str) -> Callable[..., Any]:
    """The view of an address whose id is a number, or a job's."""
    try:
        return resolve(path.replace("{id}", "1")).func
    except Resolver404:
        return resolve(path.replace("{id}", JOB_ID)).func


def _takes(view: Callable[..., Any], methods: set[str]) -> bool:
    """Function views say nothing of methods; class views and viewsets have a handler of that name."""
    actions = getattr(view, "actions", None)
    if actions:
        return {method.lower() for method in methods} <= set(actions)
    handlers = getattr(view, "view_class", None) or getattr(view, "cls", None)
    return handlers is None or all(hasattr(handlers, method.lower()) for method in methods)
