"""What stands around every page, and what no page may contain."""

from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client

from history.valuation import value_holdings
from investments.models import Holding
from portfolio_site.pages.shell import _market
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


@pytest.mark.parametrize(
    ("now", "priced_on", "session", "freshness", "stale"),
    [
        ("2026-11-20T15:00", date(2026, 11, 19), "Market open", "As of close 19 Nov", False),
        ("2026-11-20T15:00", date(2026, 11, 20), "Market open", "As of today", False),
        ("2026-11-20T22:30", date(2026, 11, 20), "After hours", "As of close 20 Nov", False),
        ("2026-11-21T15:00", date(2026, 11, 20), "Market closed", "As of close 20 Nov", False),
        ("2026-11-21T15:00", date(2026, 11, 19), "Market closed", "As of close 19 Nov", True),
        ("2026-11-20T13:00", date(2026, 11, 19), "Before the open", "As of close 19 Nov", False),
        ("2026-11-20T13:00", None, "Before the open", "", False),
    ],
)
def test_market_and_freshness(
    time_machine: Any, now: str, priced_on: date | None, session: str, freshness: str, stale: bool
) -> None:
    time_machine.move_to(datetime.fromisoformat(now).replace(tzinfo=UTC))
    market = _market(priced_on)
    assert (market.session, market.freshness, market.is_stale) == (session, freshness, stale)


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
