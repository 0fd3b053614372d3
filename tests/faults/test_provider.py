"""Rows 23 to 28: a provider that hangs, answers garbage, refuses, shifts its pages, forgets holdings, revokes."""

import random
import time
from html import unescape
from typing import Any

import pytest

from tests.faults.deployment import Deployment
from tests.faults.people import Person, newcomer
from tests.faults.posting import HOLDINGS, events, send, webhook

pytestmark = [pytest.mark.fault, pytest.mark.slow]

HOLDINGS_PATH = "/investments/holdings/get"
TRANSACTIONS_PATH = "/investments/transactions/get"
AN_HOUR = 3600
# Without `accounts`: their `sync_state` says that something is wrong.
LEDGER = ("holdings", "transactions", "days")
MEGABYTES_ALLOWED = 300


@pytest.fixture(scope="module")
def saver(deployment: Deployment) -> Person:
    """One person for all the rows that must leave a ledger as it was."""
    return newcomer(deployment, "saver").link()


def fail_once(site: Deployment, person: Person) -> float:
    """Have the item read by a worker, which must fail; returns the seconds that took."""
    site.pass_time(AN_HOUR)
    syncs = len(person.syncs())
    started = time.monotonic()
    assert person.press("refresh").status_code == 200
    site.until(lambda: person.syncs()[syncs:] == ["failed"], "the sync to fail")
    return time.monotonic() - started


def recover(site: Deployment, person: Person) -> None:
    """Nobody does anything: the next try, once its time has come, makes all well."""
    syncs = len(person.syncs())
    site.pass_time(AN_HOUR)
    site.until(lambda: person.syncs()[syncs:] == ["succeeded"], "the sweep's next try")
    assert (person.shown()["status"], person.shown()["message"]) == ("ok", "")


def assert_labelled_stale(person: Person, status: str, last_synced_at: str) -> None:
    """S: what is shown says that it is old, and what comes next."""
    shown = person.shown()
    assert shown["status"] == status
    assert shown["last_synced_at"] <= last_synced_at
    assert shown["message"]
    assert shown["next_try_at"]
    assert shown["message"] in unescape(person.client.http.get(f"{person.client.web}/connections/").text)


@pytest.mark.slow
@pytest.mark.parametrize("path", [HOLDINGS_PATH, TRANSACTIONS_PATH])
@pytest.mark.parametrize("fault", [{"kind": "hang"}, {"kind": "trickle", "seconds": 1}], ids=["hangs", "trickles"])
def test_23_a_provider_that_never_answers(site: Deployment, saver: Person, path: str, fault: dict[str, Any]) -> None:
    before, last = saver.books(*LEDGER), saver.shown()["last_synced_at"]
    site.plaid.fail(path, item_id=saver.item_id, **fault)
    assert fail_once(site, saver) < 30
    assert_labelled_stale(saver, "institution_trouble", last)
    assert saver.books(*LEDGER) == before
    recover(site, saver)
    assert saver.books(*LEDGER) == before


@pytest.mark.slow
def test_23_slots_are_freed_and_the_others_go_on(site: Deployment, saver: Person) -> None:
    """As many hang as there are children of the worker; somebody who links meanwhile is served after their timeout."""
    stuck = [saver, newcomer(site).link("user_cash")]
    site.pass_time(AN_HOUR)
    asked, before = site.plaid.requests(HOLDINGS_PATH), [len(person.syncs()) for person in stuck]
    for person in stuck:
        site.plaid.fail(HOLDINGS_PATH, kind="hang", item_id=person.item_id)
        assert person.press("refresh").status_code == 200
    site.until(lambda: site.plaid.requests(HOLDINGS_PATH) == asked + 2, "both to hang")
    newcomer(site).link("user_cash")
    site.pass_time(AN_HOUR)
    for person, known in zip(stuck, before, strict=True):
        site.until(lambda: person.syncs()[-1] == "succeeded", "the sweep's next try")  # noqa: B023
        assert person.syncs()[known:] == ["failed", "succeeded"]


GARBAGE = {
    "HTML with 200": (HOLDINGS_PATH, {"kind": "garbage", "form": "html"}),
    "truncated JSON": (TRANSACTIONS_PATH, {"kind": "garbage", "form": "truncated"}),
    "nothing": (HOLDINGS_PATH, {"kind": "garbage", "form": "empty"}),
    "a list": (TRANSACTIONS_PATH, {"kind": "garbage", "form": "list"}),
    "NaN": (HOLDINGS_PATH, {"kind": "garbage", "form": "nan"}),
    "1e400": (HOLDINGS_PATH, {"kind": "garbage", "form": "huge"}),
    "NaN for a quantity": (HOLDINGS_PATH, {"kind": "number", "form": "NaN"}),
    "no holdings": (HOLDINGS_PATH, {"kind": "drop_field", "field": "holdings"}),
    "no total": (TRANSACTIONS_PATH, {"kind": "drop_field", "field": "total_investment_transactions"}),
    "a gzip bomb": (HOLDINGS_PATH, {"kind": "bomb"}),
    "a gzip bomb as an error": (TRANSACTIONS_PATH, {"kind": "bomb", "status": 500}),
}
# Each takes two seconds.
QUICK = ("NaN", "a gzip bomb")


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in GARBAGE]
)
def test_24_garbage_is_refused_whole_and_the_last_good_kept(site: Deployment, saver: Person, name: str) -> None:
    path, fault = GARBAGE[name]
    before, last = saver.books(*LEDGER), saver.shown()["last_synced_at"]
    memory = site.peak_megabytes("worker")
    site.plaid.fail(path, item_id=saver.item_id, **fault)
    fail_once(site, saver)
    assert_labelled_stale(saver, "error", last)
    assert saver.books(*LEDGER) == before
    assert site.peak_megabytes("worker") - memory < MEGABYTES_ALLOWED
    recover(site, saver)
    assert saver.books(*LEDGER) == before


@pytest.mark.parametrize("path", [HOLDINGS_PATH, TRANSACTIONS_PATH])
def test_24_one_absurd_number_costs_its_row_alone_and_no_last_good(site: Deployment, saver: Person, path: str) -> None:
    before, held = saver.books(*LEDGER), saver.client.get("/api/portfolio/value")["positions"]
    syncs = len(saver.syncs())
    site.pass_time(AN_HOUR)
    site.plaid.fail(path, kind="number", form="1e400", item_id=saver.item_id)
    assert saver.press("refresh").status_code == 200
    site.until(lambda: saver.syncs()[syncs:] == ["succeeded"], "the sync")
    saver.wait_for_history()
    findings = site.value("SELECT findings FROM plaid_link_syncrun WHERE owner_id = %(o)s ORDER BY id DESC",
                          o=saver.owner_id)  # fmt: skip
    assert "refused" in {finding["kind"] for finding in findings}
    assert saver.client.get("/api/portfolio/value")["positions"] == held
    assert saver.books(*LEDGER) == before


def test_25_a_storm_of_429_is_waited_out(site: Deployment, saver: Person, dice: random.Random) -> None:
    """Webhooks, clicks and the sweep ask for a sync; Plaid hears of few of them, and after its Retry-After."""
    before = saver.books(*LEDGER)
    site.pass_time(AN_HOUR)
    wait = dice.randrange(60, 120)
    storm = {"code": "RATE_LIMIT", "status": 429, "retry_after": wait, "times": 100_000}
    site.plaid.fail(HOLDINGS_PATH, item_id=saver.item_id, **storm)
    site.plaid.fail(TRANSACTIONS_PATH, item_id=saver.item_id, **storm)
    site.plaid.control("seen")
    for number in range(10):
        assert send(site, webhook(saver.item_id, *HOLDINGS, number=number)) == [200]
        assert saver.press("refresh").status_code == 200
        assert saver.refresh().status_code in (500, 429)
    site.until(lambda: saver.shown()["next_try_at"] is not None, "the next try to be planned")
    planned = "SELECT next_try_at > now() + make_interval(secs => %(s)s) FROM plaid_link_item WHERE item_id = %(i)s"
    site.until(lambda: site.value(planned, s=wait - 30, i=saver.item_id), "a wait as long as Plaid asked for")
    assert site.plaid.requests(HOLDINGS_PATH) <= 6
    assert saver.books(*LEDGER) == before
    assert saver.shown()["message"]

    site.plaid.control("reset")
    syncs = len(saver.syncs())
    site.pass_time(AN_HOUR)
    site.until(lambda: "succeeded" in saver.syncs()[syncs:], "the next try")
    assert saver.books(*LEDGER) == before


def many(rows: int) -> dict[str, Any]:
    """A custom user with so many deposits: more than a page of 500."""
    deposits = [
        {"date": f"2026-{1 + number % 9:02d}-{1 + number % 28:02d}", "name": f"Deposit {number}", "type": "cash",
         "quantity": 0, "price": 0, "fees": 0, "amount": -1 - number, "currency": "USD"}
        for number in range(rows)
    ]  # fmt: skip
    account = {"type": "investment", "subtype": "brokerage", "meta": {"name": "Many", "mask": "5000"}}
    return {"override_accounts": [{**account, "starting_balance": 1000, "investment_transactions": deposits}]}


@pytest.mark.parametrize("shifts", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_26_rows_that_slip_in_between_pages_are_read_once_each(site: Deployment, shifts: int) -> None:
    person = newcomer(site)
    # The first answer of each reading is followed by a change, until the faults are used up.
    site.plaid.fail(TRANSACTIONS_PATH, kind="shift")
    if shifts == 2:
        site.plaid.fail(TRANSACTIONS_PATH, kind="delay", times=2)
        site.plaid.fail(TRANSACTIONS_PATH, kind="shift", times=2)
    person.link(custom=many(1100))
    names = site.rows("SELECT name, external_id FROM investments_transaction WHERE owner_id = %(o)s", o=person.owner_id)
    slipped_in = [row for row in names if row["name"] == "MEMO"]
    assert len(names) == len({row["external_id"] for row in names}) == 1100 + len(slipped_in)
    assert {row["name"] for row in names} == {"MEMO", *(f"Deposit {number}" for number in range(1100))}
    assert len(slipped_in) >= shifts
    assert site.plaid.requests(TRANSACTIONS_PATH) > 3, "it was read more than once"


def test_27_suddenly_empty_holdings_are_not_believed_at_once(site: Deployment) -> None:
    person = newcomer(site).link()
    before, worth = person.books(*LEDGER), person.client.get("/api/portfolio/value")["total"]
    site.plaid.fail(HOLDINGS_PATH, kind="empty_holdings", item_id=person.item_id)
    site.pass_time(AN_HOUR)
    synced_at = person.shown()["last_synced_at"]
    assert person.refresh().status_code == 200
    person.wait_for_history()
    assert person.books(*LEDGER) == before
    assert person.client.get("/api/portfolio/value")["total"] == worth
    shown = person.shown()
    assert shown["last_synced_at"] <= synced_at or shown["message"], "what was held back looks current"

    site.pass_time(AN_HOUR)
    site.until(lambda: len(person.syncs()) == 3, "the second look")
    site.until(lambda: person.syncs()[-1] == "succeeded", "the second look")
    person.wait_for_history()
    assert person.books(*LEDGER) == before
    assert (person.shown()["status"], person.shown()["message"]) == ("ok", "")


def test_27_empty_holdings_told_twice_are_believed(site: Deployment) -> None:
    person = newcomer(site).link("user_cash")
    site.plaid.fail(HOLDINGS_PATH, kind="empty_holdings", item_id=person.item_id, times=2)
    site.pass_time(AN_HOUR)
    assert person.refresh().status_code == 200
    assert person.client.get("/api/investments/holdings")["items"]
    site.pass_time(AN_HOUR)
    site.until(lambda: not person.client.get("/api/investments/holdings")["items"], "the second look")


def test_28_login_lost_in_mid_first_sync_writes_nothing_until_repaired(site: Deployment, saver: Person) -> None:
    person = newcomer(site)
    site.plaid.fail(TRANSACTIONS_PATH, code="ITEM_LOGIN_REQUIRED", status=400)
    job = person.ask_to_link()["job_id"]
    site.until(lambda: person.client.get(f"/api/jobs/{job}")["state"] == "failed", "the job to fail")
    assert site.plaid.requests(HOLDINGS_PATH) >= 1, "holdings had been read"
    assert (person.count("holdings"), person.count("transactions")) == (0, 0)
    assert person.shown()["status"] == "needs_repair"
    assert "Sign in" in person.shown()["message"]

    assert send(site, webhook(person.item_id, "ITEM", "LOGIN_REPAIRED")) == [200]
    site.until(lambda: person.shown()["status"] == "ok", "the repair")
    person.wait_for_history()
    assert person.books() == saver.books()


@pytest.mark.parametrize(
    "code",
    [
        "USER_PERMISSION_REVOKED",
        pytest.param("ITEM_NOT_FOUND", marks=pytest.mark.slow),
        pytest.param("INVALID_ACCESS_TOKEN", marks=pytest.mark.slow),
    ],
)
def test_28_a_token_revoked_in_mid_sync_is_all_or_nothing(site: Deployment, code: str) -> None:
    """The holdings of the answer were different, and none of it is written."""
    person = newcomer(site).link("user_cash")
    before = person.books(*LEDGER)
    site.plaid.fail(HOLDINGS_PATH, kind="number", form="123456", item_id=person.item_id)
    site.plaid.fail(TRANSACTIONS_PATH, code=code, status=400, item_id=person.item_id)
    fail_once(site, person)
    assert person.books(*LEDGER) == before
    assert person.shown()["status"] == "disconnected"
    assert "again" in person.shown()["message"]
    site.pass_time(2 * 86_400)
    send(site, webhook(person.item_id, *HOLDINGS))
    site.until(lambda: events(site, person.item_id) == ["parked"], "the webhook to be parked")
    assert person.syncs() == ["succeeded", "failed"], "and it is left in peace"
