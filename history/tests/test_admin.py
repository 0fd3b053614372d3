"""The admin of history: operators look, and restart what failed."""

import re
from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from history.claims import MAX_ATTEMPTS, behind
from history.models import (
    AccountHistory,
    Anomaly,
    FxRate,
    MarketSymbol,
    Price,
    ProviderUsage,
    SecurityMapping,
    SymbolAction,
)
from history.providers import DataProviderChain, resilience
from history.tasks import backfill_symbols
from history.tests.ledgers import book, holding, stock
from history.tests.providers import Listed
from investments.models import Security

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 20)


@pytest.fixture
def operator(staff: Any, client: Client) -> Client:
    staff.is_superuser = True
    staff.save(update_fields=["is_superuser"])
    client.force_login(staff)
    return client


@pytest.fixture
def failed(owner: Any) -> AccountHistory:
    """An account whose rebuild has been given up."""
    apple = stock("AAPL")
    account = book(owner, securities=[apple], holdings=[holding(apple, 1, 100)], on=DAY)
    Anomaly.objects.create(account=account, owner=owner, kind="seam", day=DAY, size=1)
    return AccountHistory.objects.create(
        account=account, owner=owner, state="failed", error="No exchange rate EUR to USD", attempts=MAX_ATTEMPTS,
        tried_version=account.ledger_version,
    )  # fmt: skip


def test_a_failed_history_is_restarted(operator: Client, failed: AccountHistory) -> None:
    assert behind(limit=9) == []
    answer = operator.post(
        "/admin/history/accounthistory/", {"action": "rebuild", "_selected_action": [failed.pk]}, follow=True
    )
    assert "1 histories will be rebuilt" in answer.content.decode()
    assert [one.account_id for one in behind(limit=9)] == [failed.pk]


@pytest.mark.parametrize("model", ["accounthistory", "anomaly", "marketsymbol", "securitymapping", "fxrate"])
def test_every_list_opens(operator: Client, failed: AccountHistory, model: str) -> None:
    symbol = MarketSymbol.objects.create(symbol="AAPL")
    SecurityMapping.objects.create(security=Security.objects.get(external_id="AAPL"), symbol=symbol, method="ticker")
    FxRate.objects.create(base="EUR", quote="USD", day=DAY, rate=1, source="test")
    answer = operator.get(f"/admin/history/{model}/")
    assert answer.status_code == 200
    assert "1 " in answer.content.decode()


def test_a_symbol_shows_its_closes_and_splits(operator: Client) -> None:
    symbol = MarketSymbol.objects.create(symbol="AAPL")
    Price.objects.create(symbol=symbol, day=DAY, close="145.32", source="file")
    SymbolAction.objects.create(symbol=symbol, kind="split", ex_date=DAY, ratio=4, source="file")
    page = operator.get(f"/admin/history/marketsymbol/{symbol.pk}/change/").content.decode()
    assert "145.32 (file)" in page
    assert "AAPL split 2026-11-20" in page


def test_what_is_missing_is_fetched_once_that_was_confirmed(
    operator: Client, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    symbol = MarketSymbol.objects.create(symbol="AAPL")
    monkeypatch.setattr("history.market.backfill.configured_chain", lambda: DataProviderChain([Listed({"AAPL": "10"})]))
    monkeypatch.setattr("history.admin.enqueue_backfill", backfill_symbols)
    chosen = {"action": "fetch_missing", "_selected_action": [symbol.pk]}
    with django_capture_on_commit_callbacks(execute=True):
        asked = operator.post("/admin/history/marketsymbol/", chosen).content.decode()
    assert "nobody was asked for yet" in asked
    assert not Price.objects.exists()
    with django_capture_on_commit_callbacks(execute=True):
        done = operator.post("/admin/history/marketsymbol/", {**chosen, "confirmed": "yes"}, follow=True)
    assert "1 symbols are asked for now" in done.content.decode()
    symbol.refresh_from_db()
    assert symbol.priced_from is not None
    assert Price.objects.filter(symbol=symbol, close=10).count() > 500


def test_a_provider_that_is_left_alone_is_seen(operator: Client) -> None:
    for name in ("fmp", "yahoo"):
        ProviderUsage.objects.create(provider=name, day=timezone.now().date(), calls=9, failed=4)
        resilience.breaker(name).close()
    ProviderUsage.objects.create(provider="fmp", day=DAY, calls=1)
    resilience.breaker("fmp").open()
    try:
        page = operator.get("/admin/history/providerusage/").content.decode()
    finally:
        resilience.breaker("fmp").close()
    assert re.findall(r'field-answers"><img[^>]*icon-(\w+)', page) == ["no", "yes", "unknown"]
