"""The whole running product in a real browser: a new user's way in, and what the demo's user then finds.

One file, so that one worker of xdist runs it and the processes start once. Whether every page can be used by everybody
is held by tests/test_browser_pages.py; here figures are held to the API's.
"""

from decimal import Decimal

import pytest
from playwright.sync_api import Locator, Page, expect

from portfolio_site.demo.client import Client
from portfolio_site.demo.stack import Stack
from tests.browser import newcomer
from tests.browser.conftest import LOOKS
from tests.browser.newcomer import faults
from tests.browsing import Site, settle

pytestmark = pytest.mark.browser

# How many pixels of a canvas are painted: an empty one has none.
PAINTED = """canvas => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
    .data.filter((value, i) => i % 4 === 3 && value > 0).length"""
SHIFT = """() => new Promise(done => {
    let sum = 0;
    const add = list => { for (const entry of list) sum += entry.value; };
    const observer = new PerformanceObserver(list => add(list.getEntries()));
    observer.observe({ type: "layout-shift", buffered: true });
    setTimeout(() => { add(observer.takeRecords()); done(sum); }, 100);
})"""


def dollars(amount: str) -> str:
    """As pages write it; independent of the template filter that does."""
    return f"${Decimal(amount):,.2f}".replace("$-", "\N{MINUS SIGN}$")


@pytest.mark.parametrize("name", ["desktop-light", pytest.param("phone-dark", marks=pytest.mark.slow)])
def test_from_sign_up_to_the_first_value(watched: Site, stack: Stack, name: str) -> None:
    context = watched.visitor(**LOOKS[name])
    context.add_init_script(newcomer.WRITE_DOWN)
    page = context.new_page()
    newcomer.sign_up(page, f"{name}@example.com")
    newcomer.accept_and_personalise(page)
    newcomer.choose_in_link(page, institution="Charles Schwab", user="Everyday saver")
    newcomer.watch_progress(page)
    expect(page.locator("h1")).to_have_text("2 accounts connected")
    assert faults(page) == []
    page.click("text=See the overview")
    client = Client(web=stack.addresses.web, plaid=stack.addresses.plaid)
    client.sign_in(f"{name}@example.com", newcomer.PASSWORD)
    expect(page.locator(".hero__value")).to_have_text(dollars(client.get("/api/portfolio/value")["total"]))
    newcomer.sign_out(page)


def test_the_overview_says_what_the_api_says(watched: Site, visitor: Page, api: Client) -> None:
    visit(visitor, "/")
    value = api.get("/api/portfolio/value")
    assert visitor.inner_text(".hero__value") == dollars(value["total"])
    assert dollars(value["day_change"]) in visitor.inner_text(".hero__change >> nth=0")
    shares = api.get("/api/portfolio/account-breakdown")["account_breakdown"]
    for share in shares:
        row = visitor.locator(".account-row", has_text=share["account_name"])
        expect(row).to_contain_text(dollars(share["portfolio_value"]))
    assert visitor.locator(".account-row").count() == len(shares) == 6
    assert visitor.locator("#history-chart canvas").evaluate(PAINTED) > 1000
    assert visitor.locator(".figure-ring canvas").evaluate(PAINTED) > 1000
    assert visitor.evaluate(SHIFT) < 0.01


def test_each_range_shows_the_history_of_that_range(watched: Site, visitor: Page, api: Client) -> None:
    visit(visitor, "/")
    chart = visitor.locator("#history-chart")
    for period in ("1D", "3M", "YTD", "2Y"):
        visitor.click(f"#history .segmented >> text={period}")
        history = api.get("/api/portfolio/history", period=period)
        first, last = dollars(history["value"][0]), dollars(history["value"][-1])
        expect(visitor.locator(".facts__item", has_text="Started at")).to_contain_text(first)
        expect(visitor.locator("#history [aria-current=true]")).to_contain_text(period)
        expect(chart).to_have_attribute("aria-valuemax", str(len(history["dates"]) - 1))
        chart.press("Home")
        assert first in visitor.inner_text(".chart__tip")
        chart.press("End")
        assert last in visitor.inner_text(".chart__tip")


def test_the_crosshair_reads_the_day_under_it(watched: Site, visitor: Page, api: Client) -> None:
    visit(visitor, "/?period=1M")
    chart = visitor.locator("#history-chart")
    chart.hover(position={"x": 1, "y": 100})
    assert dollars(api.get("/api/portfolio/history", period="1M")["value"][0]) in visitor.inner_text(".chart__tip")
    visitor.mouse.move(0, 0)
    expect(visitor.locator(".chart__tip")).to_be_hidden()


def test_the_table_holds_every_day_of_the_chart(watched: Site, visitor: Page, api: Client) -> None:
    visit(visitor, "/?period=1M")
    visitor.click("[data-table-toggle]")
    shown = visitor.locator("#history-table tbody td:nth-child(2)").all_inner_texts()
    values = [dollars(amount) for amount in api.get("/api/portfolio/history", period="1M")["value"]]
    assert sorted(shown) == sorted(values)
    expect(visitor.locator("#history-chart")).to_be_hidden()
    assert faults(visitor) == []


def test_an_account_chosen_above_filters_everything(watched: Site, visitor: Page, api: Client) -> None:
    visit(visitor, "/")
    account = api.get("/api/investments/accounts")["items"][-1]
    visitor.click(".scope > summary")
    visitor.click(f".scope .menu__item--nested:has-text('{account['name']}')")
    settle(visitor)
    only = {"filter_account": account["id"]}
    total = dollars(api.get("/api/portfolio/value", **only)["total"])
    assert visitor.inner_text(".hero__value") == total
    assert total in (visitor.get_attribute("#history-chart", "aria-valuetext") or "")
    expect(visitor.locator(".account-row[aria-current=true]")).to_contain_text(account["name"])
    follow(visitor, "Holdings")
    assert total in visitor.inner_text(".table__total")
    held = api.get("/api/investments/holdings", limit=1, **only)["total_count"]
    assert visitor.locator(".holdings__row:not(.holdings__cash)").count() == held
    visitor.goto("/transactions/?reset=1")
    visit(visitor, f"/transactions/?account={account['id']}")
    count = api.get("/api/investments/transactions", limit=1, **only)["total_count"]
    expect(fact(visitor, "Transactions")).to_have_text(f"{count:,}")


def test_holdings_add_up_to_the_total(watched: Site, visitor: Page, api: Client) -> None:
    visit(visitor, "/holdings/")
    holdings = api.get("/api/investments/holdings", limit=500)["items"]
    rows = visitor.locator(".holdings__row:not(.holdings__cash)")
    assert rows.count() == len(holdings)
    shown = " ".join(rows.all_inner_texts())
    assert [row["id"] for row in holdings if dollars(row["value"]) not in shown] == []
    assert dollars(api.get("/api/portfolio/value")["total"]) in visitor.inner_text(".table__total")


def test_transactions_are_filtered(watched: Site, visitor: Page, api: Client) -> None:
    visit(visitor, "/transactions/?reset=1")
    for preset, query in (("Bought", {"type": "buy"}), ("Fees", {"type": "fee"})):
        visitor.click(f".filters__row >> text={preset}")
        count = api.get("/api/investments/transactions", limit=1, **query)["total_count"]
        expect(fact(visitor, "Transactions")).to_have_text(f"{count:,}")
    visit(visitor, "/transactions/?reset=1")
    visitor.fill("#filter-q", "netflix")
    visitor.keyboard.press("Enter")
    expect(visitor.locator(".chips")).to_contain_text("netflix")
    assert {text.split("\n")[0] for text in visitor.locator(".transactions__what").all_inner_texts()} == {"NFLX"}


def test_connections_show_each_login_and_its_accounts(watched: Site, visitor: Page, api: Client) -> None:
    visit(visitor, "/connections/")
    for item in api.get("/api/portfolio/connection-status")["items"]:
        card = visitor.locator(".connection", has_text=item["institution"])
        expect(card.locator(".connection__state")).to_have_text("Up to date")
        assert card.locator(".connection__account").count() == len(item["accounts"])


def visit(page: Page, path: str) -> None:
    page.goto(path)
    settle(page)


def follow(page: Page, name: str) -> None:
    """By the navigation, which keeps the account that is chosen."""
    page.click(f".shell-nav__link:visible >> text={name}")
    expect(page.locator("h1")).to_have_text(name)


def fact(page: Page, term: str) -> Locator:
    return page.locator(".facts__item", has=page.locator(f"dt:text-is('{term}')")).locator("dd")
