"""`backfill_prices`: only what is lacking, a batch at a time, within the budget, and on from where it stood."""

import io
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings as project
from django.core.management import CommandError, call_command
from django.db import connection

from history.market.backfill import Step, backfill_prices, what_is_lacking
from history.market.spend import spending
from history.models import AccountHistory, MarketSymbol, Price, ProviderUsage, SecurityMapping
from history.providers import DataProviderChain
from history.tests.providers import Down, Listed

pytestmark = pytest.mark.django_db
MONDAY, FRIDAY = date(2026, 11, 9), date(2026, 11, 13)
ALWAYS = Listed({"AAPL": "10"})
PRICED = {**project.MARKET_DATA_ACCESS, "fmp": {**project.MARKET_DATA_ACCESS["fmp"], "price_per_call": "0.25"}}


def symbols(*names: str) -> list[MarketSymbol]:
    return [MarketSymbol.objects.create(symbol=name) for name in names]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`run(provider, *arguments)` runs the command with a chain of one provider; returns what it said."""

    def command(provider: Any, *arguments: str) -> str:
        monkeypatch.setattr("history.market.backfill.configured_chain", lambda: DataProviderChain([provider]))
        said = io.StringIO()
        call_command("backfill_prices", *arguments, "--from", str(MONDAY), "--to", str(FRIDAY), stdout=said)
        return said.getvalue()

    return command


def test_only_what_is_lacking_is_fetched_and_twice_is_as_good_as_once(run: Any) -> None:
    aapl, _msft = symbols("AAPL", "MSFT")
    MarketSymbol.objects.filter(pk=aapl.pk).update(priced_from=MONDAY, priced_to=date(2026, 11, 11))
    provider = Listed({"AAPL": "10", "MSFT": "20"})
    said = run(provider, "AAPL", "msft")
    assert "2 symbols lack 7 days from 2026-11-09 to 2026-11-13: 1 batches" in said
    assert "7 prices stored" in said
    assert sorted(provider.asked) == [(("AAPL",), date(2026, 11, 12), FRIDAY), (("MSFT",), MONDAY, FRIDAY)]
    assert "0 symbols lack 0 days" in run(provider, "AAPL", "MSFT")
    assert len(provider.asked) == 2


def test_a_dry_run_asks_nobody(run: Any) -> None:
    symbols("AAPL")
    provider = Listed({"AAPL": "10"})
    assert "  AAPL 2026-11-09 to 2026-11-13" in run(provider, "AAPL", "--dry-run").splitlines()
    assert (provider.asked, Price.objects.count()) == ([], 0)


def test_without_symbols_all_that_is_held_is_meant(run: Any, portfolio: Any) -> None:
    held, other = symbols("AAPL", "UNHELD")
    SecurityMapping.objects.create(security=portfolio.securities["sec-aapl"], symbol=held, method="ticker")
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {project.WORKER_ROLE}")
    history = AccountHistory.objects.create(
        account=portfolio.brokerage, owner=portfolio.owner, state="ready", processed_version=99
    )
    said = run(Listed({"AAPL": "10", "UNHELD": "1"}))
    assert "1 symbols lack 5 days" in said
    assert "1 accounts will be rebuilt" in said
    history.refresh_from_db()
    assert history.stale_from == MONDAY
    other.refresh_from_db()
    assert other.priced_to is None


def test_progress_is_told_batch_by_batch_and_a_stop_loses_one_batch_at_most() -> None:
    names = [f"S{number:03}" for number in range(120)]
    ids = [symbol.pk for symbol in symbols(*names)]
    provider, steps = Listed(dict.fromkeys(names, "1")), list[Step]()

    def killed(step: Step) -> None:
        steps.append(step)
        if step.done == 100:
            raise KeyboardInterrupt

    def begin(progress: Any) -> Any:
        lacking = what_is_lacking(symbol_ids=ids, start=MONDAY, end=FRIDAY)
        chain = DataProviderChain([provider])
        return backfill_prices(lacking=lacking, start=MONDAY, end=FRIDAY, chain=chain, progress=progress)

    with pytest.raises(KeyboardInterrupt):
        begin(killed)
    assert [(step.done, step.of, step.stored) for step in steps] == [(50, 120, 250), (100, 120, 500)]
    done = begin(steps.append)
    assert (done.symbols, done.stored, done.failed) == (20, 100, ())
    assert sorted(name for asked, _, _ in provider.asked for name in asked) == names


def test_prices_whose_histories_could_not_be_marked_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    (aapl,) = symbols("AAPL")

    def killed(symbol_ids: list[int], since: date) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("history.market.backfill.symbols_changed", killed)
    lacking, chain = what_is_lacking(symbol_ids=[aapl.pk], start=MONDAY, end=FRIDAY), DataProviderChain([ALWAYS])
    with pytest.raises(KeyboardInterrupt):
        backfill_prices(lacking=lacking, start=MONDAY, end=FRIDAY, chain=chain)
    aapl.refresh_from_db()
    assert (Price.objects.count(), aapl.priced_to, aapl.claimed_until) == (0, None, None)


def test_it_stops_when_the_budget_is_spent(run: Any, settings: Any) -> None:
    settings.MARKET_DATA_ACCESS, settings.PROVIDER_DAILY_BUDGET = PRICED, Decimal("0.50")
    names = [f"S{number:03}" for number in range(60)]
    symbols(*names)
    provider = Listed(dict.fromkeys(names, "1"), name="fmp")
    ProviderUsage.objects.create(provider="fmp", day=spending().day, calls=2, cost=Decimal("0.50"))
    with pytest.raises(CommandError, match="budget of the day is spent: 60 symbols are left"):
        run(provider, *names)
    assert provider.asked == []
    free = Listed(dict.fromkeys(names, "1"), name="yahoo")
    assert "300 prices stored" in run(free, *names)


def test_what_could_not_be_asked_is_named_and_left_for_the_next_run(run: Any) -> None:
    symbols("AAPL")
    with pytest.raises(CommandError, match="1 symbols could not be asked for"):
        run(Down(), "AAPL")
    assert "5 prices stored" in run(Listed({"AAPL": "10"}), "AAPL")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["NOSUCH"], "No such symbol: NOSUCH"), (["--from", "2027-01-01"], "is after --to")],
)
def test_mistakes_are_said(arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("backfill_prices", *arguments, "--to", str(FRIDAY))
