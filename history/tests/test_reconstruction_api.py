from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from history.models import AccountHistory, Anomaly
from tests.fixtures import TODAY, Portfolio

URL = "/api/portfolio/reconstruction"
READY = AccountHistory.State.READY


@pytest.fixture
def rebuilt(portfolio: Portfolio) -> Portfolio:
    """The brokerage account has its history and two remarks on it; the IRA was never looked at."""
    AccountHistory.objects.create(
        owner=portfolio.owner,
        account=portfolio.brokerage,
        state=READY,
        progress=1,
        processed_version=99,
        first_day=date(2024, 11, 20),
        last_day=TODAY,
        quality=0.75,
    )
    for kind in (Anomaly.Kind.UNMAPPED, Anomaly.Kind.NEGATIVE_CASH):
        Anomaly.objects.create(
            owner=portfolio.owner, account=portfolio.brokerage, kind=kind, day=TODAY, size=Decimal(1)
        )
    return portfolio


def test_progress_per_account(api: Any, rebuilt: Portfolio) -> None:
    body = api(rebuilt.owner).get(URL).json()
    done, waiting = body["accounts"]
    assert body["progress"] == 0.5
    assert (done["state"], done["days_done"], done["quality"], done["behind"]) == ("ready", 731, 0.75, False)
    assert (done["anomalies"], done["unmapped"]) == (1, 1)
    assert (waiting["account_name"], waiting["state"], waiting["progress"]) == ("Ira", "waiting", 0.0)
    assert (waiting["behind"], waiting["first_day"], waiting["days_done"]) == (True, None, 0)


def test_filter_account(api: Any, rebuilt: Portfolio) -> None:
    body = api(rebuilt.owner).get(URL, {"filter_account": rebuilt.brokerage.pk}).json()
    assert (body["progress"], len(body["accounts"])) == (1.0, 1)


def test_restart_queues_the_accounts_named(
    api: Any, rebuilt: Portfolio, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as queued:
        answer = api(rebuilt.owner).post(URL, {"filter_account": [rebuilt.brokerage.pk]})
    assert answer.status_code == 202
    assert [account["state"] for account in answer.json()["accounts"]] == ["waiting"]
    assert len(queued) == 1
    history = AccountHistory.objects.get(account=rebuilt.brokerage)
    assert (history.state, history.processed_version) == ("waiting", -1)


def test_another_owner_restarts_nothing(
    api: Any, rebuilt: Portfolio, other: Any, django_capture_on_commit_callbacks: Any
) -> None:
    assert api(other).get(URL).json() == {"progress": 1.0, "accounts": []}
    assert api(other).get(URL, {"filter_account": rebuilt.ira.pk}).status_code == 404
    with django_capture_on_commit_callbacks() as queued:
        assert api(other).post(URL, {"filter_account": [rebuilt.brokerage.pk]}).status_code == 404
    assert queued == []
    assert AccountHistory.objects.get(account=rebuilt.brokerage).state == READY


def test_bad_input_names_the_field(api: Any, rebuilt: Portfolio) -> None:
    for body in ({"filter_account": ["x"]}, {"filter_account": 5}, {"filter_account": [2**70]}):
        answer = api(rebuilt.owner).post(URL, body)
        assert (answer.status_code, set(answer.json()["errors"])) == (400, {"filter_account"})


def test_query_counts(api: Any, rebuilt: Portfolio, django_assert_num_queries: Any) -> None:
    caller = api(rebuilt.owner)
    # Savepoint, user and tenant, accounts, progress, release.
    with django_assert_num_queries(5):
        caller.get(URL)
    # And the restart.
    with django_assert_num_queries(6):
        caller.post(URL, {})
