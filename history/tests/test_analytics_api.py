"""`/api/portfolio/analytics`, `/attribution`, `/allocation` over HTTP, on a history that was really rebuilt."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import transaction
from django.test import override_settings

from history.analytics.attribution import BY, CENT, attribution, read_gains
from history.core.versions import VERSIONS
from history.market.price_rows import store_prices
from history.market.symbols import map_securities
from history.models import AccountDay, FxRate, MarketSymbol
from history.providers.base import DailyPrice
from history.reconstruction.rebuild import rebuild_accounts
from history.series import Period
from history.tests.analysed import TODAY, Analysed, make_analysed, security, write_rates
from history.tests.ledgers import book, evening, holding, stock
from investments import ledger

pytestmark = pytest.mark.django_db

ANALYTICS, ATTRIBUTION = "/api/portfolio/analytics", "/api/portfolio/attribution"
ALLOCATION, BROAD = "/api/portfolio/allocation", "/api/portfolio/cash-stock-bond-allocation"
EVERY = (ANALYTICS, ATTRIBUTION, ALLOCATION, BROAD)
EVENING = datetime(2026, 11, 20, 23, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _evening(settings: Any) -> Any:
    settings.MARKET_DATA_PROVIDERS = ["stored"]
    with time_machine.travel(EVENING, tick=False):
        yield


@pytest.fixture(scope="module")
def made(django_db_setup: Any, django_db_blocker: Any) -> Iterator[Analysed]:
    """Made once: every test runs in a savepoint of the transaction that this is undone with."""
    with django_db_blocker.unblock(), override_settings(MARKET_DATA_PROVIDERS=["stored"]), transaction.atomic():
        yield make_analysed(
            get_user_model().objects.create_user(email="analysed@example.com", password="correct horse")
        )
        transaction.set_rollback(True)


@pytest.fixture
def analysed(made: Analysed, db: Any) -> Analysed:
    return made


def test_figures_agree_with_the_history(api: Any, analysed: Analysed) -> None:
    caller = api(analysed.owner)
    body = caller.get(ANALYTICS, {"period": "2Y", "benchmark": "SPY"}).json()
    history = caller.get("/api/portfolio/history", {"period": "2Y"}).json()
    assert body["figures"]["twrr"]["value"] == pytest.approx(history["twrr"][-1] - 1, abs=1e-7)
    assert body["money"]["gain"]["value"] == history["gain"][-1]
    assert (body["from"], body["to"]) == (history["dates"][0], history["dates"][-1])
    assert body["series"]["twrr"] == pytest.approx(history["twrr"], abs=1e-7)
    for name in ("mwrr_annualised", "volatility", "sharpe", "sortino", "beta", "alpha", "var_95", "cvar_99", "calmar"):
        assert body["figures"][name]["value"] is not None, name
    assert body["drawdown"]["peak"] < body["drawdown"]["trough"]
    assert body["sessions"] > 500
    assert body["value_at_risk"] == {"sessions": body["sessions"], "computed_at": None}
    assert body["correlation"]["labels"] == ["AAPL", "BND", "XOM"]
    assert body["correlation"]["matrix"][0][0] == pytest.approx(1)
    assert len(body["rolling_volatility"]["90"]["dates"]) == body["sessions"] - 89


def test_every_figure_names_its_version(api: Any, analysed: Analysed) -> None:
    caller = api(analysed.owner)
    body = caller.get(ANALYTICS, {"period": "2Y", "benchmark": "SPY"}).json()
    told = [*body["figures"].values(), *body["money"].values(), *body["scores"].values(), body["correlation"],
            *body["rolling_volatility"].values()]  # fmt: skip
    assert {one["version"] for one in told} <= VERSIONS.keys()
    listed = caller.get("/api/v1/calculation-versions").json()
    assert {one["name"] for one in listed} == VERSIONS.keys()
    assert caller.get(ATTRIBUTION).json()["version"] in VERSIONS
    assert caller.get(ALLOCATION).json()["version"] in VERSIONS


def test_an_old_version_is_run_again(api: Any, analysed: Analysed) -> None:
    caller = api(analysed.owner)
    old = caller.get(ANALYTICS, {"twrr": "twrr@1"}).json()["figures"]["twrr"]
    assert old["version"] == "twrr@1"
    assert old["value"] == pytest.approx(caller.get(ANALYTICS).json()["figures"]["twrr"]["value"], rel=1e-9)


def test_a_month_has_too_few_days_and_says_so(api: Any, analysed: Analysed) -> None:
    body = api(analysed.owner).get(ANALYTICS, {"period": "1M"}).json()
    assert body["figures"]["sharpe"]["value"] is None
    assert body["figures"]["sharpe"]["reason"] == f"needs 30 days, has {body['sessions']}"
    assert body["figures"]["twrr_annualised"]["reason"] == "needs 365 days, has 30"
    assert body["figures"]["var_95"]["value"] is not None  # of the last 252 sessions, whatever the period
    assert np.isnan(np.array(body["correlation"]["matrix"], float)).all()


def test_scores_come_with_their_parts_and_a_sentence(api: Any, analysed: Analysed) -> None:
    scores = api(analysed.owner).get(ANALYTICS, {"period": "2Y"}).json()["scores"]
    for score in scores.values():
        assert 0 <= score["value"] <= 10
        assert score["sentence"].endswith(".")
        weight = sum(part["weight"] for part in score["parts"])
        assert score["value"] == pytest.approx(sum(p["points"] * p["weight"] for p in score["parts"]) / weight)
    assert [part["name"] for part in scores["diversification"]["parts"]] == [
        "holdings", "asset classes", "sectors", "correlation",
    ]  # fmt: skip


@pytest.mark.parametrize("by", BY)
def test_contributions_add_up_to_the_return(api: Any, analysed: Analysed, by: str) -> None:
    caller = api(analysed.owner)
    body = caller.get(ATTRIBUTION, {"by": by, "period": "2Y"}).json()
    twrr = caller.get(ANALYTICS, {"period": "2Y"}).json()["figures"]["twrr"]["value"]
    assert body["total"] == pytest.approx(twrr, abs=1e-12)
    assert sum(part["contribution"] for part in body["contributions"]) == pytest.approx(twrr, abs=1e-9)
    gain = caller.get(ANALYTICS, {"period": "2Y"}).json()["money"]["gain"]["value"]
    total = sum(Decimal(part["gain"]) for part in body["contributions"])
    assert abs(total - Decimal(gain)) <= Decimal("0.01") * len(body["contributions"])


def test_what_each_security_made_is_what_its_prices_say(analysed: Analysed) -> None:
    """The bond fund alone is its price; the sums of the books leave nothing unexplained to the cent."""
    gains = read_gains(account_ids=[analysed.ira.pk], period=Period(TODAY - timedelta(365), TODAY), base_currency="USD")
    assert gains is not None
    (fund,) = attribution(gains, by="security", currency="USD").parts[:1]
    prices = gains.positions.gains.unit[0]
    assert fund.label == "BND"
    assert fund.contribution == pytest.approx(prices[-1] / prices[0] - 1, abs=1e-6)
    both = read_gains(account_ids=analysed.ids, period=Period(TODAY - timedelta(700), TODAY), base_currency="USD")
    assert both is not None
    assert np.abs(both.rest).max() < CENT
    labels = {part.label for part in attribution(both, by="security", currency="USD").parts if abs(part.gain) > CENT}
    assert labels == {"AAPL", "XOM", "BND", "Cash"}


def test_trades_are_told_one_by_one(api: Any, analysed: Analysed) -> None:
    parts = api(analysed.owner).get(ATTRIBUTION, {"by": "trade", "period": "2Y"}).json()["contributions"]
    trades = {(part["label"], part["date"]): part for part in parts if "date" in part}
    bought, sold = trades["AAPL", "2025-06-02"], trades["XOM", "2026-03-02"]
    assert (bought["units"], sold["units"]) == (20, -15)
    assert sum("date" not in part for part in parts) == 1


def test_a_snapshot_that_says_otherwise_is_not_explained(api: Any, analysed: Analysed) -> None:
    """A value nobody's positions explain still adds up, under its own name."""
    day = TODAY - timedelta(days=3)
    AccountDay.objects.filter(account=analysed.ira, day__gte=day).update(value=9000)
    body = api(analysed.owner).get(ATTRIBUTION, {"period": "1Y"}).json()
    rest = next(part for part in body["contributions"] if part["label"] == "Not explained")
    assert abs(Decimal(rest["gain"])) > 100
    assert sum(part["contribution"] for part in body["contributions"]) == pytest.approx(body["total"], abs=1e-9)
    by_account = api(analysed.owner).get(ATTRIBUTION, {"period": "1Y", "by": "account"}).json()["contributions"]
    assert {part["label"] for part in by_account} == {"Brokerage", "IRA"}


def test_closed_accounts_keep_their_part(api: Any, analysed: Analysed) -> None:
    ledger.close_accounts(account_ids=[analysed.ira.pk])
    for by in ("account", "security"):
        body = api(analysed.owner).get(ATTRIBUTION, {"period": "1Y", "by": by}).json()
        assert sum(part["contribution"] for part in body["contributions"]) == pytest.approx(body["total"], abs=1e-9)


class TestAllocation:
    @pytest.mark.parametrize("by", [by for by in BY if by != "trade"])
    def test_slices_add_up_to_the_total(self, api: Any, analysed: Analysed, by: str) -> None:
        body = api(analysed.owner).get(ALLOCATION, {"by": by}).json()
        assert sum(Decimal(part["value"]) for part in body["slices"]) == Decimal(body["total"])
        assert sum(part["weight"] for part in body["slices"]) == pytest.approx(1, abs=1e-9)
        assert not any(part["unpriced"] for part in body["slices"])

    def test_labels(self, api: Any, analysed: Analysed) -> None:
        def labels(by: str) -> set[str]:
            return {part["label"] for part in api(analysed.owner).get(ALLOCATION, {"by": by}).json()["slices"]}

        assert labels("sector") == {"Technology", "Energy", "Funds", "Cash"}
        assert labels("industry") == {"Hardware", "Oil", "Funds", "Cash"}
        assert labels("security") == {"AAPL", "XOM", "BND", "Cash"}
        assert labels("currency") == {"USD"}

    def test_cash_stock_bond(self, api: Any, analysed: Analysed) -> None:
        body = api(analysed.owner).get(BROAD).json()
        found = {part["label"]: part["weight"] for part in body["slices"]}
        assert list(found) == ["cash", "stock", "bond", "other"]
        assert sum(found.values()) == pytest.approx(1)
        assert found["bond"] > 0.3
        assert found["other"] == 0

    def test_an_old_price_is_marked(self, api: Any, analysed: Analysed) -> None:
        analysed.ira.holdings.update(priced_on=TODAY - timedelta(days=9))
        slices = api(analysed.owner).get(ALLOCATION, {"by": "security"}).json()["slices"]
        assert {part["label"] for part in slices if part["unpriced"]} == {"BND"}


def test_a_paper_counts_in_its_own_currency_and_not_in_its_accounts(api: Any, owner: Any) -> None:
    """100 euros at every close, in an account in dollars: all that it made is the euro's."""
    write_rates()
    paper = stock("SAP", iso_currency_code="EUR", market_identifier_code="XETR")
    account = book(owner, securities=[paper], holdings=[holding(paper, 10, 100, as_of=TODAY)], on=TODAY)
    map_securities(security_ids=[security("SAP").pk])
    days = (TODAY - timedelta(days=number) for number in range(760))
    symbol = MarketSymbol.objects.get(symbol="SAP")
    store_prices((symbol.pk, "test", DailyPrice(day, Decimal(100))) for day in days if day.weekday() < 5)
    assert not rebuild_accounts(account_ids=[account.pk], now=evening(TODAY)).failed
    body = api(owner).get(ANALYTICS, {"from": "2025-11-20", "to": TODAY.isoformat()}).json()
    figures = {name: figure["value"] for name, figure in body["figures"].items()}
    first, last = FxRate.objects.filter(day__lte="2025-11-20").order_by("-day")[0], FxRate.objects.order_by("-day")[0]
    assert figures["currency"] == pytest.approx(float(last.rate / first.rate) - 1, abs=1e-6)
    assert figures["local"] == pytest.approx(0, abs=1e-6)
    assert figures["twrr"] == pytest.approx(figures["currency"], abs=1e-6)
    assert body["figures"]["currency"]["version"] == "currency@2"


def test_in_another_currency_the_parts_still_add_up(api: Any, owner: Any) -> None:
    write_rates()
    analysed = make_analysed(owner, currency="EUR")
    caller = api(analysed.owner)
    figures = caller.get(ANALYTICS, {"period": "1Y"}).json()["figures"]
    product = (1 + figures["local"]["value"]) * (1 + figures["currency"]["value"]) - 1
    assert product == pytest.approx(figures["twrr"]["value"], abs=1e-9)
    assert figures["currency"]["value"] == pytest.approx(0, abs=1e-6), "a fund in dollars, in an account in euros"
    for by in ("security", "currency", "trade"):
        body = caller.get(ATTRIBUTION, {"period": "1Y", "by": by}).json()
        assert sum(part["contribution"] for part in body["contributions"]) == pytest.approx(body["total"], abs=1e-9)
        rest = [part for part in body["contributions"] if part["label"] == "Not explained"]
        assert all(abs(Decimal(part["gain"])) < 1 for part in rest)


class TestValueAtRisk:
    OPEN = datetime(2026, 11, 20, 16, tzinfo=UTC)

    def test_it_is_kept_for_an_hour_while_the_market_is_open(self, api: Any, analysed: Analysed) -> None:
        cache.clear()
        with time_machine.travel(self.OPEN, tick=False):
            caller = api(analysed.owner)  # a token of later is not valid yet
            first = caller.get(ANALYTICS).json()
            AccountDay.objects.filter(account=analysed.brokerage, day__lt=TODAY).update(value=1)
            again = caller.get(ANALYTICS).json()
        assert first["value_at_risk"]["computed_at"] == "2026-11-20T16:00:00+00:00"
        assert again["figures"]["var_95"] == first["figures"]["var_95"]
        assert again["figures"]["volatility"] != first["figures"]["volatility"]
        closed = api(analysed.owner).get(ANALYTICS).json()
        assert closed["figures"]["var_95"] != first["figures"]["var_95"]

    def test_another_scope_has_its_own(self, api: Any, analysed: Analysed) -> None:
        cache.clear()
        with time_machine.travel(self.OPEN, tick=False):
            caller = api(analysed.owner)  # a token of later is not valid yet
            everything = caller.get(ANALYTICS).json()["figures"]["var_95"]["value"]
            alone = caller.get(ANALYTICS, {"filter_account": analysed.ira.pk}).json()["figures"]["var_95"]["value"]
        assert everything != alone


@pytest.mark.parametrize("url", EVERY)
def test_one_account_alone(api: Any, analysed: Analysed, url: str) -> None:
    caller = api(analysed.owner)
    one = caller.get(url, {"filter_account": analysed.ira.pk}).json()
    assert one != caller.get(url).json()
    assert caller.get(url, {"source_filter": "external"}).json() == caller.get(url).json()
    assert caller.get(url, {"source_filter": "brokerage"}).status_code == 200


@pytest.mark.parametrize("url", EVERY)
def test_another_owner_sees_nothing(api: Any, analysed: Analysed, other: Any, url: str) -> None:
    caller = api(other)
    assert caller.get(url, {"filter_account": analysed.ira.pk}).status_code == 404
    empty = caller.get(url)
    assert empty.status_code == 200
    assert "AAPL" not in empty.content.decode()
    assert not empty.json().get("contributions")
    assert not empty.json().get("figures")


@pytest.mark.parametrize("url", EVERY)
def test_an_etag_saves_the_second_answer(api: Any, analysed: Analysed, url: str) -> None:
    caller = api(analysed.owner)
    first = caller.get(url)
    assert caller.get(url, HTTP_IF_NONE_MATCH=first["ETag"]).status_code == 304
    assert "private" in first["Cache-Control"]


@pytest.mark.parametrize(
    ("url", "query", "field"),
    [
        (ANALYTICS, {"period": "9Y"}, "period"),
        (ANALYTICS, {"from": "2026-02-02", "to": "2026-02-01"}, "from"),
        (ANALYTICS, {"risk_free": "much"}, "risk_free"),
        (ANALYTICS, {"twrr": "twrr@9"}, "twrr"),
        (ANALYTICS, {"benchmark": "NOSUCH"}, "benchmark"),
        (ATTRIBUTION, {"by": "colour"}, "by"),
        (ALLOCATION, {"by": "trade"}, "by"),
        (ALLOCATION, {"filter_account": "x"}, "filter_account"),
    ],
)
def test_bad_input_names_the_field(api: Any, analysed: Analysed, url: str, query: dict[str, str], field: str) -> None:
    answer = api(analysed.owner).get(url, query)
    assert (answer.status_code, set(answer.json()["errors"])) == (400, {field})


@pytest.mark.parametrize(("url", "count"), [(ANALYTICS, 20), (ATTRIBUTION, 18), (ALLOCATION, 7), (BROAD, 7)])
def test_query_count(api: Any, analysed: Analysed, django_assert_num_queries: Any, url: str, count: int) -> None:
    caller = api(analysed.owner)
    with django_assert_num_queries(count):
        caller.get(url)
