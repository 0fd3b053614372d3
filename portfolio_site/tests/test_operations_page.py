"""The operators' home: figures of all owners, the cards that can be read, and a runbook for each."""

from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.utils import timezone

from history import canary
from history.models import AccountHistory, MappingReview, SnapshotRun
from investments.models import Holding
from portfolio_site.lib import heartbeat
from portfolio_site.lib.sessions import last_closed_session
from portfolio_site.models import Job
from portfolio_site.pages import operations
from tests.fixtures import Portfolio, make_portfolio
from tests.pages import signed_in, words_of

URL = "/admin/"
# Two savepoints, session, user, tenant and operator; of the stock home the actions of late; a savepoint a card and
# what each reads.
QUERIES = 36


@pytest.fixture
def operator(staff: Any) -> Any:
    staff.is_superuser = True
    staff.save(update_fields=["is_superuser"])
    return staff


@pytest.fixture
def two(owner: Any, other: Any) -> Portfolio:
    make_portfolio(other)
    return make_portfolio(owner)


def figures(title: str) -> dict[str, operations.Figure]:
    card = next(card for card in operations.cards() if card.title == title)
    assert card.error == ""
    return {figure.label: figure for figure in card.figures}


def test_it_is_the_home_of_operators_and_of_nobody_else(operator: Any, owner: Any) -> None:
    words = words_of(signed_in(operator).get(URL))
    for title in ("Connections", "End of day", "Queues", "Webhooks", "Failed lately", "To be settled", "Market data"):
        assert f"{title} " in words
    assert "could not be read" not in words
    assert signed_in(owner).get(URL).status_code == 302


def test_what_wants_somebody_comes_first_and_is_named_on_top(operator: Any, two: Portfolio) -> None:
    Job.objects.create(owner=two.owner, kind="sync", state=Job.State.FAILED, finished_at=timezone.now())
    AccountHistory.objects.create(account=two.ira, owner=two.owner, state=AccountHistory.State.FAILED)
    tones = [card.tone for card in operations.cards()]
    assert tones == sorted(tones, key=operations.URGENCY.index)
    words = words_of(signed_in(operator).get(URL))
    urgent = [card.title.lower() for card in operations.cards() if card.tone != "good"]
    assert "failed lately" in urgent
    assert f"{len(urgent)} of 7 want somebody: {', '.join(urgent)} read at" in words


def test_positions_without_the_last_close_are_told(two: Portfolio) -> None:
    session = last_closed_session(timezone.now())
    Holding.objects.update(market_price=1, priced_on=session)
    assert figures("End of day")["Positions at the last close"].value == "100.0% of 12"
    Holding.objects.filter(owner=two.owner).update(priced_on=session - timedelta(days=3))
    figure = figures("End of day")["Positions at the last close"]
    assert (figure.value, figure.tone) == ("50.0% of 12", "bad")


def test_a_failed_night_is_bad(db: Any) -> None:
    now = timezone.now()
    SnapshotRun.objects.create(
        day=now.date() - timedelta(days=1), state="failed", due_at=now - timedelta(hours=5), started_at=now, rows=7
    )
    found = figures("End of day")
    assert found["Late by"].tone == "warn"
    assert found["Accounts closed"].value == "7"
    assert next(card for card in operations.cards() if card.title == "End of day").tone == "bad"


def test_what_failed_and_what_waits_for_a_decision(two: Portfolio) -> None:
    security = two.securities["sec-aapl"]
    MappingReview.objects.create(security=security)
    Job.objects.create(owner=two.owner, kind="sync", state="failed", finished_at=timezone.now())
    Job.objects.create(owner=two.owner, kind="sync", state="failed", finished_at=timezone.now() - timedelta(days=9))
    AccountHistory.objects.create(account=two.ira, owner=two.owner, state="failed")
    assert figures("To be settled")["Securities to map"].value == "1"
    assert figures("To be settled")["Users they concern"].value == "2"
    assert figures("Failed lately")["Jobs, a week"].value == "1"
    assert figures("Failed lately")["Histories given up"].tone == "bad"


def test_a_silent_worker_is_bad(db: Any, monkeypatch: Any) -> None:
    ages = {"beat": 3.0, "worker": 3.0}
    monkeypatch.setattr(heartbeat, "age", ages.get)
    assert (figures("Queues")["Beat"].tone, figures("Queues")["Worker"].tone) == ("good", "good")
    ages["worker"] = 61.0
    assert (figures("Queues")["Beat"].tone, figures("Queues")["Worker"].tone) == ("good", "bad")
    del ages["beat"]
    assert (figures("Queues")["Beat"].value, figures("Queues")["Beat"].tone) == ("not seen", "bad")


def test_the_canary_is_told(db: Any, monkeypatch: Any) -> None:
    told = {
        None: ("not computed lately", "warn"),
        canary.CanaryRun(timezone.now(), 2e-15, "twrr", "twrr@2"): ("right", "good"),
        canary.CanaryRun(timezone.now(), 0.25, "twrr", "twrr@2"): ("off by 0.25", "bad"),
    }
    for run, expected in told.items():
        monkeypatch.setattr(canary, "last_run", lambda run=run: run)
        figure = figures("End of day")["Canary portfolio"]
        assert (figure.value, figure.tone) == expected


def test_a_message_in_the_broker_is_counted(db: Any) -> None:
    with current_app.connection_for_write() as broker:
        client = broker.default_channel.client
        client.rpush("low", "a message")
        try:
            assert figures("Queues")["Queue low"].value == "1"
        finally:
            client.delete("low")


def test_a_card_that_cannot_be_read_leaves_the_others(two: Portfolio, monkeypatch: Any) -> None:
    def fail() -> None:
        raise OSError("no route to the broker")

    monkeypatch.setattr(operations, "depths", fail)
    found = {card.title: card for card in operations.cards()}
    assert (found["Queues"].error, found["Queues"].tone) == ("OSError", "bad")
    assert [card.title for card in found.values() if card.error] == ["Queues"]


def test_every_runbook_can_be_read_from_the_admin(operator: Any, owner: Any) -> None:
    client = signed_in(operator)
    named = {name for card in operations.cards() for name in card.runbooks} | set(operations.LISTS.values())
    for name in named:
        answer = client.get(f"/admin/runbooks/{name}/")
        assert answer.status_code == 200, name
        assert "What to do" in words_of(answer) or "##" in words_of(answer)
    assert client.get("/admin/runbooks/nothing/").status_code == 404
    assert signed_in(owner).get("/admin/runbooks/late-eod/").status_code == 302


@pytest.mark.parametrize("model", operations.LISTS)
def test_each_list_leads_to_its_runbook(operator: Any, model: str) -> None:
    address = f"/admin/{model.replace('.', '/')}/"
    assert "Something wrong here? Its runbook" in words_of(signed_in(operator).get(address))


def test_every_figure_leads_somewhere(two: Portfolio, operator: Any) -> None:
    client = signed_in(operator)
    addresses = {figure.url for card in operations.cards() for figure in card.figures if figure.url}
    assert len(addresses) > 8
    for address in addresses:
        assert client.get(address).status_code == 200, address


def test_queries(two: Portfolio, operator: Any, django_assert_num_queries: Any) -> None:
    client = signed_in(operator)
    client.get(URL)
    with django_assert_num_queries(QUERIES):
        client.get(URL)
