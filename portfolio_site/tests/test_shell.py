"""What stands around every page, and what no page may contain."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client

from history.market.quotes import refresh_quotes
from history.models import MarketSymbol, SecurityMapping
from history.providers import DataProviderChain
from history.providers.base import Quote
from history.tests.providers import Quoting
from history.valuation import value_holdings
from investments.models import Holding
from portfolio_site.lib.sessions import NEW_YORK
from tests.fixtures import Portfolio
from tests.pages import signed_in, words_of, write_history

PAGES = ["/", "/holdings/", "/transactions/", "/connections/", "/settings/", "/onboarding/", "/onboarding/connect/"]
PUBLIC = ["/", "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"]


class _Forbidden(HTMLParser):
    """Collects what a strict content security policy refuses: inline scripts, styles and handlers."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "style" or "style" in given:
            self.found.append(self.get_starttag_text() or tag)
        if tag == "script" and "src" not in given and given.get("type") != "application/json":
            self.found.append(self.get_starttag_text() or tag)
        self.found += [name for name in given if name.startswith(("on", "hx-on"))]


def forbidden(answer: Any) -> list[str]:
    parser = _Forbidden()
    parser.feed(answer.content.decode())
    return parser.found


@pytest.mark.parametrize("url", PAGES)
def test_no_page_has_inline_script_or_style(portfolio: Portfolio, url: str) -> None:
    write_history(portfolio, days=40)
    answer = signed_in(portfolio.owner).get(url)
    assert answer.status_code == 200
    assert forbidden(answer) == []


@pytest.mark.parametrize("url", PUBLIC)
def test_no_public_page_has_inline_script_or_style(client: Client, db: Any, url: str) -> None:
    assert forbidden(client.get(url)) == []


@pytest.mark.parametrize("url", PAGES + PUBLIC)
def test_the_disclaimer_is_on_every_page(portfolio: Portfolio, url: str) -> None:
    client = signed_in(portfolio.owner) if url in PAGES else Client()
    assert "Informational only, not investment advice." in words_of(client.get(url))


def test_links_keep_the_scope(portfolio: Portfolio) -> None:
    query = {"account": portfolio.ira.pk, "type": "buy"}
    page = signed_in(portfolio.owner).get("/transactions/", query).content.decode()
    for path in ("/", "/holdings/", "/transactions/", "/connections/"):
        assert f'href="{path}?account={portfolio.ira.pk}"' in page
    # The selector keeps the other filters.
    assert f'href="?account={portfolio.brokerage.pk}&amp;type=buy"' in page


def test_the_current_page_is_marked(portfolio: Portfolio) -> None:
    page = signed_in(portfolio.owner).get("/holdings/").content.decode()
    assert page.count('aria-current="page"') == 2  # the header's navigation, and the phone's
    assert 'href="/holdings/" aria-current="page"' in page


def test_what_lies_below_a_page_is_marked_as_its_part(portfolio: Portfolio) -> None:
    page = signed_in(portfolio.owner).get("/tax/rules/").content.decode()
    assert (page.count('href="/tax/" aria-current="true"'), page.count('aria-current="page"')) == (2, 0)


@pytest.mark.parametrize(("theme", "shown"), [("dark", True), ("light", True), ("<script>", False)])
def test_the_theme_is_in_the_first_answer(owner: Any, theme: str, shown: bool) -> None:
    client = signed_in(owner)
    client.cookies["theme"] = theme
    assert (f'<html lang="en" data-theme="{theme}">' in client.get("/settings/").content.decode()) is shown


def test_privacy_is_in_the_first_answer(owner: Any) -> None:
    client = signed_in(owner)
    client.cookies["privacy"] = "on"
    assert 'data-privacy="on"' in client.get("/settings/").content.decode()


def test_appearance_without_javascript(client: Client, db: Any) -> None:
    answer = client.post("/appearance/", {"theme": "dark", "next": "/holdings/?sort=name"})
    assert (answer["Location"], answer.cookies["theme"].value) == ("/holdings/?sort=name", "dark")
    assert client.post("/appearance/", {"theme": ""}).cookies["theme"].value == ""
    assert client.post("/appearance/", {"privacy": "on"}).cookies["privacy"].value == "on"


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_appearance_goes_back_to_our_pages_only(client: Client, db: Any, target: str) -> None:
    assert client.post("/appearance/", {"theme": "dark", "next": target})["Location"] == "/"


def header(portfolio: Portfolio, at: str, priced_on: date | None) -> tuple[str, bool]:
    """What the header says of the market and of the figures, and whether amber, at a moment of New York's clock."""
    Holding.objects.update(priced_on=priced_on)
    now = datetime.fromisoformat(at).replace(tzinfo=NEW_YORK)
    with time_machine.travel(now, tick=False):
        page = signed_in(portfolio.owner).get("/settings/").content.decode()
    said = re.search(r'<p class="market-status([^"]*)">(.*?)</p>', page, re.DOTALL)
    assert said is not None
    return " ".join(re.sub(r"<[^>]+>", " ", said[2]).split()), "stale" in said[1]


def quoted(symbol: MarketSymbol, at: str, **fields: Any) -> None:
    moment = datetime.fromisoformat(at).replace(tzinfo=NEW_YORK)
    told = Quote(symbol.symbol, Decimal("227.50"), moment.astimezone(UTC), "quoting", "regular", **fields)
    chain = DataProviderChain([Quoting({symbol.symbol: told})])
    refresh_quotes(symbol_ids=[symbol.pk], chain=chain, now=moment + timedelta(seconds=5))


MOMENTS = [
    ("2026-11-20T10:00", date(2026, 11, 19), "Market open As of close 19 Nov", False),
    ("2026-11-20T10:00", date(2026, 11, 20), "Market open As of today", False),
    ("2026-11-20T17:30", date(2026, 11, 20), "After hours As of close 20 Nov", False),
    ("2026-11-21T10:00", date(2026, 11, 20), "Market closed As of close 20 Nov", False),
    ("2026-11-21T10:00", date(2026, 11, 19), "Market closed As of close 19 Nov", True),
    ("2026-11-20T08:00", date(2026, 11, 19), "Before the open As of close 19 Nov", False),
    ("2026-11-20T08:00", None, "Before the open", False),
    # Thanksgiving, and the early close of the day after.
    ("2026-11-26T11:00", date(2026, 11, 25), "Market closed As of close 25 Nov", False),
    ("2026-11-27T12:59:59", date(2026, 11, 25), "Market open until 13:00 As of close 25 Nov", False),
    ("2026-11-27T13:00", date(2026, 11, 27), "After hours As of close 27 Nov", False),
    ("2026-11-27T17:00", date(2026, 11, 27), "Market closed As of close 27 Nov", False),
    # The first sessions after both clock changes.
    ("2026-03-09T09:30", date(2026, 3, 6), "Market open As of close 6 Mar", False),
    ("2026-11-02T09:29:59", date(2026, 10, 30), "Before the open As of close 30 Oct", False),
]


def test_market_and_freshness(portfolio: Portfolio) -> None:
    for now, priced_on, words, stale in MOMENTS:
        assert header(portfolio, now, priced_on) == (words, stale), now


def test_figures_at_quotes_are_as_fresh_as_these(portfolio: Portfolio) -> None:
    today = date(2026, 11, 20)
    symbol = MarketSymbol.objects.create(symbol="AAPL")
    SecurityMapping.objects.create(security=portfolio.securities["sec-aapl"], symbol=symbol, method="ticker")
    cache.clear()
    quoted(symbol, "2026-11-20T10:42:07")
    assert header(portfolio, "2026-11-20T10:42:20", today) == ("Market open Live 10:42:07 ET", False)
    assert header(portfolio, "2026-11-20T10:47:00", today) == ("Market open Last quote 10:42 ET", True)
    # Figures of yesterday's close are not made live by a quote that is not in them.
    yesterday = header(portfolio, "2026-11-20T10:42:20", date(2026, 11, 19))
    assert yesterday == ("Market open As of close 19 Nov", False)
    quoted(symbol, "2026-11-20T10:45:00", delay_minutes=15)
    assert header(portfolio, "2026-11-20T10:45:20", today) == ("Market open 15 min delayed", False)
    assert header(portfolio, "2026-11-20T20:30:00", today) == ("Market closed As of close 20 Nov", False)
    cache.clear()
    assert header(portfolio, "2026-11-20T10:45:20", today) == ("Market open As of today", False)


def test_freshness_is_of_the_scope(portfolio: Portfolio) -> None:
    value_holdings(account_ids=[portfolio.brokerage.pk, portfolio.ira.pk])
    Holding.objects.filter(account=portfolio.ira).update(priced_on=date(2026, 11, 2))
    words = words_of(signed_in(portfolio.owner).get("/settings/", {"account": portfolio.ira.pk}))
    assert "As of close 2 Nov" in words


@pytest.mark.parametrize("url", ["/nothing/", "/holdings/?account=0"])
def test_not_found_is_a_page_of_ours(portfolio: Portfolio, url: str) -> None:
    answer = signed_in(portfolio.owner).get(url)
    assert answer.status_code == 404
    assert "Not found" in words_of(answer)
    assert answer["X-Request-ID"] in words_of(answer)
