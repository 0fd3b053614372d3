"""Brinson's effects beside an operator's sector weights: arithmetic, API and page."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import time_machine
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from history.core.attribution import brinson, linked_effects, segments_of
from history.core.returns import linked
from history.market.benchmarks import benchmark_index, update_benchmarks
from history.models import BenchmarkSector, MarketSymbol
from history.providers import DataProviderChain
from history.tests.analysed import TODAY, make_analysed
from history.tests.providers import Listed

ATTRIBUTION = "/api/portfolio/attribution"
SINCE = date(2026, 1, 2)
EVENING = datetime(2026, 11, 20, 23, tzinfo=UTC)


class TestArithmetic:
    @given(st.integers(1, 4), st.integers(2, 8), st.randoms(use_true_random=False))
    def test_effects_add_up_to_the_excess_whatever_is_missing_where(self, count: int, days: int, random: Any) -> None:
        """N segments of ours and theirs, some of which either side has not; flows of any size."""
        shape = days, count
        start = np.array([[random.choice([0.0, random.uniform(1, 100)]) for _ in range(count)] for _ in range(days)])
        gained = start * np.array([[random.uniform(-0.5, 0.5) for _ in range(count)] for _ in range(days)])
        theirs = np.array([random.choice([0.0, random.uniform(0.1, 1)]) for _ in range(count)])
        theirs[0] = theirs[0] or 1.0
        weights = np.tile(theirs / theirs.sum(), (days, 1))
        moved = np.array([[random.uniform(-0.5, 0.5) for _ in range(count)] for _ in range(days)])
        moved[:, theirs == 0] = np.nan
        capital = start.sum(axis=1)
        ours, (own, other) = segments_of(
            gained=gained, value=start + gained, capital=capital, benchmark_weight=weights, benchmark_returns=moved
        )
        weights = np.where(capital[:, None] > 0, weights, 0.0)
        returns = np.where(capital > 0, gained.sum(axis=1) / np.where(capital > 0, capital, 1.0), 0.0)
        made = (weights * other).sum(axis=1)
        effects = linked_effects(
            brinson(weight=ours, benchmark_weight=weights, returns=own, benchmark_returns=other),
            returns=returns,
            benchmark=made,
        )
        assert effects.allocation.shape == shape[1:]
        total = effects.allocation.sum() + effects.selection.sum() + effects.interaction.sum()
        assert total == pytest.approx(linked(returns) - linked(made), abs=1e-9)

    def test_a_day_by_hand(self) -> None:
        """60 in a sector that made 10 % (the benchmark's 5 %, half of it), 40 in cash, half of theirs in one of 2 %."""
        ours, (own, other) = segments_of(
            gained=np.array([[6.0, 0.0, 0.0]]),
            value=np.array([[66.0, 0.0, 40.0]]),
            capital=np.array([100.0]),
            benchmark_weight=np.array([[0.5, 0.5, 0.0]]),
            benchmark_returns=np.array([[0.05, 0.02, np.nan]]),
        )
        effects = brinson(
            weight=ours, benchmark_weight=np.array([[0.5, 0.5, 0.0]]), returns=own, benchmark_returns=other
        )
        # The benchmark made 3.5 %: 0.1 x 1.5 %, -0.5 x -1.5 %, 0.4 x -3.5 %; then 0.5 x 5 % and 0.1 x 5 %.
        assert effects.allocation[0] == pytest.approx([0.0015, 0.0075, -0.014])
        assert effects.selection[0] == pytest.approx([0.025, 0, 0])
        assert effects.interaction[0] == pytest.approx([0.005, 0, 0])


@pytest.mark.django_db
class TestServed:
    @pytest.fixture(autouse=True)
    def _evening(self, settings: Any) -> Any:
        settings.MARKET_DATA_PROVIDERS = ["stored"]
        with time_machine.travel(EVENING, tick=False):
            yield

    def weights(self, *sectors: tuple[str, str, str], since: date = SINCE) -> None:
        for sector, weight, proxy in sectors:
            BenchmarkSector.objects.create(
                benchmark="SPY", since=since, sector=sector, weight=Decimal(weight), proxy=proxy
            )

    def test_effects_add_up_and_name_their_weights(
        self, api: Any, owner: Any, client: Client, django_assert_max_num_queries: Any
    ) -> None:
        analysed = make_analysed(owner)
        self.weights(("Technology", "0.6", "SPY"), ("Energy", "0.3985", "xom"))
        caller, query = api(analysed.owner), {"from": "2026-04-01", "by": "sector", "benchmark": "spy"}
        with django_assert_max_num_queries(28):
            body = caller.get(ATTRIBUTION, query).json()
        told = body["brinson"]
        assert (told["benchmark"], told["weights_since"], told["version"]) == ("SPY", SINCE.isoformat(), "brinson@1")
        assert told["total"] == body["total"]
        effects = [sum(part[name] for name in ("allocation", "selection", "interaction")) for part in told["sectors"]]
        assert sum(effects) == pytest.approx(told["excess"], abs=1e-9)
        assert told["excess"] == pytest.approx(told["total"] - told["benchmark_total"], abs=1e-12)
        by_sector = {part["sector"]: part for part in told["sectors"]}
        assert by_sector["Energy"]["benchmark_weight"] == pytest.approx(0.3985 / 0.9985)
        assert by_sector["Energy"]["selection"] == pytest.approx(0, abs=1e-6), "our only paper there is the proxy"
        assert by_sector["Funds"]["benchmark_weight"] == by_sector["Funds"]["selection"] == 0
        client.force_login(owner)
        page = client.get("/performance/", {"by": "sector", "benchmark": "SPY", "period": "1Y"})
        assert "Sectors beside SPY" in page.content.decode()
        other = client.get("/performance/", {"by": "security", "benchmark": "SPY", "period": "1Y"})
        assert "Sectors beside SPY" not in other.content.decode()

    def test_a_later_set_counts_from_its_day(self, api: Any, owner: Any) -> None:
        analysed = make_analysed(owner)
        self.weights(("Technology", "1", "SPY"))
        self.weights(("Energy", "1", "XOM"), since=date(2026, 7, 1))
        period = {"from": "2026-05-01", "to": TODAY.isoformat(), "by": "sector", "benchmark": "SPY"}
        told = api(analysed.owner).get(ATTRIBUTION, period).json()["brinson"]
        span = {"start": date(2026, 5, 1), "end": TODAY, "base_currency": "USD"}
        first, second = (benchmark_index(symbol=name, **span) for name in ("SPY", "XOM"))
        before = (date(2026, 6, 30) - span["start"]).days
        expected = (first[before] or 0) * (second[-1] or 0) / (second[before] or 1) - 1
        assert told["benchmark_total"] == pytest.approx(expected, abs=1e-7)
        assert told["weights_since"] == "2026-07-01"

    @pytest.mark.parametrize(
        ("sectors", "reason"),
        [
            ([], "Nobody has entered the sector weights of SPY."),
            ([("Technology", "0.6", "SPY")], "add up to 60.0%"),
            ([("Technology", "1", "NOSUCH")], "No price of NOSUCH"),
        ],
    )
    def test_without_weights_it_says_why(self, api: Any, owner: Any, sectors: Any, reason: str) -> None:
        analysed = make_analysed(owner)
        self.weights(*sectors)
        told = api(analysed.owner).get(ATTRIBUTION, {"by": "sector", "benchmark": "SPY"}).json()["brinson"]
        assert reason in told["reason"]
        assert (told["excess"], told["sectors"]) == (None, [])

    def test_by_anything_else_it_is_refused(self, api: Any, owner: Any) -> None:
        answer = api(owner).get(ATTRIBUTION, {"by": "class", "benchmark": "SPY"})
        assert answer.status_code == 400
        assert "benchmark" in answer.json()["errors"]


@pytest.mark.django_db(transaction=True)
def test_prices_of_what_stands_for_a_sector_are_kept() -> None:
    BenchmarkSector.objects.create(benchmark="SPY", since=SINCE, sector="Energy", weight=1, proxy="xle")
    provider = Listed(dict.fromkeys(("SPY", "QQQ", "XLE"), "100"))
    assert update_benchmarks(chain=DataProviderChain([provider])).asked == 3
    assert MarketSymbol.objects.get(symbol="XLE").priced_from is not None
