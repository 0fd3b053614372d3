"""Every URL, asked by nobody, by somebody else and by staff with the ids of an owner: no data, no change. As the web
role."""

import re
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils.http import urlencode

from portfolio_site.models import Job
from tests.everything import MARK, make_everything
from tests.fixtures import Portfolio, WebClient, make_portfolio
from tests.test_tenancy import OWNED_TABLES
from tests.urls import Url, every_url, ids_of

# Of the names by which a request may ask for what is somebody's, those that pages know.
PAGES_READ = ("account", "security", "ticker", "item")
REQUEST_ID = re.compile(rb'"request_id": ?"[0-9a-f]+"')
METHODS = ("POST", "PUT", "PATCH", "DELETE")
# Answered to anybody. A new URL that answers nobody in particular fails the test until it is here.
PUBLIC = {
    "account_confirm_email",
    "account_email_verification_sent",
    "account_inactive",
    "account_login",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "account_signup",
    "admin:login",
    "api-docs",
    "api-schema",
    "api-token",
    "api-token-logout",
    "api-token-refresh",
    "health",
    "health-ready",
    "offline",
    "service_worker",
    "terms",
    "overview",  # what Longview is, to those who are not signed in
}
# Where the owner does see the mark: without these the absence of it elsewhere would prove nothing.
SHOWS_THE_OWNER = {
    "api-account-breakdown",
    "api-account-row",
    "api-account-rows",
    "api-accounts",
    "api-activities",
    "api-asset",
    "api-connection-status",
    "api-consents",
    "api-export",
    "api-holdings",
    "api-import",
    "api-corporate-action",
    "api-corporate-actions",
    "api-instrument",
    "api-instruments",
    "api-import-rows",
    "api-identical-groups",
    "api-imports",
    "api-job",
    "api-ledger",
    "api-positions",
    "api-reconstruction",
    "api-security",
    "api-transactions",
    "api-transactions-export",
    "connections",
    "holdings",
    "import",
    "imports",
    "overview",
    "settings",
    "tax_rules",
    "transactions",
}
URLS = every_url()


@pytest.fixture
def everything(owner: Any, other: Any) -> Portfolio:
    make_portfolio(other)
    return make_everything(owner)


class Caller(WebClient):
    """Somebody, signed in again after a URL that signs out."""

    def __init__(self, user: Any = None) -> None:
        super().__init__(raise_request_exception=False)
        self.user = user

    def ask(self, method: str, url: Url, address: str, body: dict[str, Any] | None = None) -> Any:
        cookie = self.cookies.get(settings.SESSION_COOKIE_NAME)
        if self.user is not None and not (cookie and cookie.value):
            self.force_login(self.user)
        data, content_type = self._encode_data(body, format="json" if url.in_api else "multipart")
        return self.generic(method, address, data, content_type)


def _urls(*, admin: bool) -> list[Url]:
    return [url for url in URLS if admin or not url.in_admin]


def _assert_no_data(answer: Any, what: str, echo: Any = "") -> None:
    """No mark in the answer, but for what the request itself said (`echo`)."""
    assert answer.status_code < 500 or answer.status_code in (502, 503), f"{what}: {answer.status_code}"
    assert MARK.encode() not in _content(answer).replace(str(echo).encode(), b""), what
    assert MARK not in str(answer.headers).replace(str(echo), ""), what


def _content(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def _state(owner: Any) -> list[tuple[Any, ...]]:
    """A digest per tenant table of the owner's rows, read past row security."""
    with connection.cursor() as cursor:
        cursor.execute(OWNED_TABLES)
        tables = [row[0] for row in cursor.fetchall()]
        digests = (
            f"SELECT '{table}', md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {table} t "
            f"WHERE owner_id = {owner.pk}"
            for table in tables
        )
        cursor.execute(" UNION ALL ".join(digests))
        return cursor.fetchall()


# Rows that statements of this transaction have inserted, changed or deleted, undone ones too: one look at the counters
# of a connection, where a digest reads every row.
TOUCHED = """
SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables WHERE relname ~ %s
"""


class Watched:
    """The owner's rows, whose digest is taken anew only after a statement has touched a tenant's table."""

    def __init__(self, owner: Any) -> None:
        self.owner = owner
        with connection.cursor() as cursor:
            cursor.execute(OWNED_TABLES)
            # Partitions begin with the name of their table.
            self.tables = f"^({'|'.join(row[0] for row in cursor.fetchall())})"
        self.before, self.touched = _state(owner), self._touched()

    def assert_unchanged(self, what: str) -> None:
        touched = self._touched()
        if touched != self.touched:
            assert _state(self.owner) == self.before, what
            self.touched = touched

    def _touched(self) -> int:
        with connection.cursor() as cursor:
            cursor.execute(TOUCHED, [self.tables])
            return int(cursor.fetchone()[0])


def test_a_change_is_seen(everything: Portfolio) -> None:
    """Else the walks below would prove nothing."""
    watched = Watched(everything.owner)
    watched.assert_unchanged("nothing was done")
    Job.objects.filter(owner=everything.owner).update(message="changed")
    with pytest.raises(AssertionError, match="a job"):
        watched.assert_unchanged("a job")


def test_every_url_is_known(everything: Portfolio) -> None:
    assert len(URLS) > 150
    for url in URLS:
        assert "<" not in url.address(everything.owner)
    names = {url.name for url in URLS}
    assert names >= PUBLIC
    assert names >= SHOWS_THE_OWNER


# Where staff may name another user, as the contract of these routes says.
STAFF_NAMES_ANOTHER = {"api-plaid-link-token", "api-plaid-exchange", "api-plaid-refresh", "api-plaid-refresh-all"}
# Counts of the nightly job over everybody: there is no account to name.
ABOUT_NO_ACCOUNT = {"api-snapshots-status", "api-snapshots-run"}


@pytest.mark.parametrize("name", sorted(SHOWS_THE_OWNER))
def test_the_owner_is_shown_what_the_others_are_not(everything: Portfolio, name: str) -> None:
    (url,) = (url for url in URLS if url.name == name)
    answer = Caller(everything.owner).ask("GET", url, url.address(everything.owner))
    assert answer.status_code == 200
    assert MARK.encode() in _content(answer)


def test_nobody_is_answered_only_where_that_is_meant(everything: Portfolio) -> None:
    caller, open_urls = Caller(), set()
    for url in URLS:
        answer = caller.ask("GET", url, url.address(everything.owner))
        _assert_no_data(answer, f"GET {url.route}")
        if answer.status_code < 300:
            open_urls.add(url.name)
    assert open_urls <= PUBLIC


def test_somebody_else_reads_nothing(everything: Portfolio, other: Any) -> None:
    caller = Caller(other)
    for url in URLS:
        answer = caller.ask("GET", url, url.address(everything.owner))
        _assert_no_data(answer, f"GET {url.route}")
        if url.names_a_row_of_the_owner():
            assert answer.status_code in (404, 405), url.route


def test_staff_read_nothing_outside_of_the_admin(everything: Portfolio, staff: Any) -> None:
    caller = Caller(staff)
    for url in _urls(admin=False):
        answer = caller.ask("GET", url, url.address(everything.owner))
        _assert_no_data(answer, f"GET {url.route}")
        if url.names_a_row_of_the_owner():
            assert answer.status_code in (404, 405), url.route


def test_a_query_that_names_anothers_rows_answers_nothing(everything: Portfolio, other: Any) -> None:
    caller, ids = Caller(other), ids_of(everything.owner)
    for url in _urls(admin=False):
        address = url.address(everything.owner)
        if url.in_api and _ignores(caller, url, address, ids):
            continue
        for name in ids if url.in_api else PAGES_READ:
            value = ids[name]
            answer = caller.ask("GET", url, f"{address}?{urlencode({name: value})}")
            _assert_no_data(answer, f"GET {url.route}?{name}=", echo=value)
            scoped = url.route.startswith(("api/portfolio/", "api/investments/")) and url.name not in ABOUT_NO_ACCOUNT
            if name == "filter_account" and scoped:
                assert answer.status_code in (404, 405), url.route


def _ignores(caller: Caller, url: Url, address: str, ids: dict[str, Any]) -> bool:
    """Whether all of the names together make no difference: then none of them is read."""
    plain, asked = (caller.ask("GET", url, f"{address}?{query}") for query in ("", urlencode(ids)))
    told = [REQUEST_ID.sub(b"", _content(answer)) for answer in (plain, asked)]
    return bool(plain.status_code == asked.status_code and told[0] == told[1])


@pytest.mark.parametrize("method", METHODS)
def test_nobody_changes_anything(everything: Portfolio, method: str) -> None:
    caller, before, body = Caller(), _state(everything.owner), ids_of(everything.owner)
    for url in _urls(admin=method == "POST"):
        answer = caller.ask(method, url, url.address(everything.owner), body)
        _assert_no_data(answer, f"{method} {url.route}")
        if answer.status_code < 300:
            assert url.name in PUBLIC, f"{method} {url.route} answered nobody with {answer.status_code}"
    assert _state(everything.owner) == before


@pytest.mark.parametrize("method", METHODS)
def test_somebody_else_changes_nothing(everything: Portfolio, other: Any, method: str) -> None:
    _walk_and_change_nothing(Caller(other), everything.owner, method, _urls(admin=method == "POST"))


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_staff_are_nobody_in_particular_outside_of_the_admin(everything: Portfolio, staff: Any, method: str) -> None:
    """Whom they may act for, `refresh_all` names; that is not asked of here."""
    _walk_and_change_nothing(Caller(staff), everything.owner, method, _urls(admin=False))


def _walk_and_change_nothing(caller: Caller, owner: Any, method: str, urls: list[Url]) -> None:
    watched, body = Watched(owner), ids_of(owner)
    for url in urls:
        if caller.user.is_staff and url.name in STAFF_NAMES_ANOTHER:
            continue
        answer = caller.ask(method, url, url.address(owner), body)
        _assert_no_data(answer, f"{method} {url.route}")
        if url.names_a_row_of_the_owner():
            assert answer.status_code in (404, 405), f"{method} {url.route}: {answer.status_code}"
        watched.assert_unchanged(f"{method} {url.route}")


def test_a_request_that_names_another_user_is_not_obeyed(everything: Portfolio, other: Any) -> None:
    ids = ids_of(everything.owner)
    for name in ("api-plaid-link-token", "api-plaid-exchange", "api-plaid-refresh"):
        (url,) = (url for url in URLS if url.name == name)
        answer = Caller(other).ask("POST", url, url.address(everything.owner), ids)
        assert answer.status_code == 404, name
