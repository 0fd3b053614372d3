"""`/demo/`: anybody sees the portfolio that is on show, and can neither write to it nor reach anybody else's."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client, override_settings

from investments.models import Transaction
from portfolio_site import showcase
from portfolio_site.models import User
from tests.fixtures import Portfolio, WebClient
from tests.pages import Browser, signed_in, words_of, write_history

PAGES = ["/demo/", "/demo/holdings/", "/demo/transactions/", "/demo/performance/", "/demo/income/", "/demo/tax/"]
TOTAL = "$9,478.35"


@pytest.fixture
def on_show(portfolio: Portfolio, settings: Any) -> Portfolio:
    """Of the small portfolio, with a history."""
    settings.SHOWCASE_EMAIL = portfolio.owner.email
    write_history(portfolio, days=40)
    return portfolio


@pytest.mark.parametrize("url", PAGES)
def test_anybody_may_look_without_an_account(on_show: Portfolio, url: str) -> None:
    visitor = Browser()
    answer = visitor.get(url)
    assert answer.status_code == 200
    assert "A demo portfolio." in words_of(answer)
    assert "sessionid" not in visitor.cookies
    links = re.findall(r'href="(/[^"]*)"', answer.content.decode())
    ours = [link for link in links if not link.startswith(("/static/", "/demo/"))]
    assert ours == ["/"]  # the way out


def test_the_figures_are_those_of_the_person_on_show(on_show: Portfolio) -> None:
    assert TOTAL in words_of(Browser().get("/demo/"))
    assert "AAPL" in words_of(Browser().get("/demo/holdings/"))


def test_whoever_is_signed_in_sees_the_demo_there_and_their_own_everywhere_else(on_show: Portfolio, other: Any) -> None:
    client = signed_in(other)
    assert TOTAL in words_of(client.get("/demo/"))
    own = client.get("/")
    assert TOTAL not in words_of(own)
    assert "/demo/holdings/" not in own.content.decode()
    assert client.get(f"/holdings/?account={on_show.brokerage.pk}").status_code == 404


def test_nothing_can_be_written(on_show: Portfolio) -> None:
    before = Transaction.objects.count()
    for url in (
        "/demo/transactions/add/",
        "/demo/settings/leave/",
        "/demo/holdings/",
        "/demo/api/plaid/investments/refresh",
    ):
        answer = Browser().post(url, {"account": on_show.brokerage.pk})
        assert (answer.status_code, answer["Location"]) == (302, "/accounts/signup/"), url
    assert Transaction.objects.count() == before
    assert User.objects.filter(pk=on_show.owner.pk).exists()


@pytest.mark.parametrize(
    "url",
    ["/demo/settings/", "/demo/connections/", "/demo/transactions/export/", "/demo/api/portfolio/value", "/demo/x/"],
)
def test_what_is_no_page_to_look_at_leads_to_an_account_of_ones_own(on_show: Portfolio, other: Any, url: str) -> None:
    assert Browser().get(url)["Location"] == "/accounts/signup/"
    assert signed_in(other).get(url)["Location"] == url.removeprefix("/demo")
    assert Browser().get(url, HTTP_HX_REQUEST="true")["HX-Redirect"] == "/accounts/signup/"


def test_the_terms_can_be_read_from_there(on_show: Portfolio) -> None:
    assert Browser().get("/demo/terms/")["Location"] == "/terms/"
    assert Browser().get("/demo")["Location"] == "/demo/"


def test_visitors_share_no_filters(on_show: Portfolio) -> None:
    assert Browser().get("/demo/?period=3M").status_code == 200
    assert Browser().get("/demo/").status_code == 200
    on_show.owner.refresh_from_db()
    assert on_show.owner.page_filters == {}


def test_the_theme_can_be_chosen_and_is_the_visitors_own(on_show: Portfolio) -> None:
    visitor = Browser()
    answer = visitor.post("/demo/appearance/", {"theme": "dark", "next": "/demo/holdings/"})
    assert answer["Location"] == "/demo/holdings/"
    assert 'data-theme="dark"' in visitor.get("/demo/").content.decode()


def test_nobody_is_on_show_who_is_not_named_or_is_an_operator(on_show: Portfolio, staff: Any) -> None:
    for email in ("", "nobody@example.com", staff.email):
        with override_settings(SHOWCASE_EMAIL=email):
            assert Browser().get("/demo/").status_code == 404


def test_the_first_page_offers_it_where_there_is_one(client: Client, db: Any) -> None:
    assert 'href="/demo/"' in client.get("/").content.decode()
    with override_settings(SHOWCASE_EMAIL=""):
        assert "/demo/" not in client.get("/").content.decode()


def test_no_address_looks_too_often(on_show: Portfolio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(showcase, "LOOKS_A_MINUTE", 2)
    visitor = WebClient()
    codes = [visitor.get("/demo/", REMOTE_ADDR="203.0.113.9").status_code for _ in range(3)]
    assert codes == [200, 200, 429]


def test_the_example_of_the_first_page_adds_up_too(client: Client, db: Any) -> None:
    """The page claims one truthful value."""
    picture = client.get("/").content.decode().split("landing__picture")[1].split("</figure>")[0]
    total, _gain, *accounts = (Decimal(text.replace(",", "")) for text in re.findall(r"\$([\d,.]+\d)", picture))
    assert sum(accounts) == total
