"""What can be done with the overview's chart and its panels in a real browser: keys, units, benchmarks, failures."""

import re
from typing import Any

import pytest

from tests.browsing import (
    PHONE,
    Site,
    chromium,
    plaid_process,
    plaid_server,
    running_site,
    settle,
    site,
)
from tests.trader import make_trader

__all__ = ["chromium", "plaid_process", "plaid_server", "running_site", "site"]

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def owner(running_site: Site, plaid_process: Any) -> Any:
    return make_trader(plaid_process)


@pytest.fixture(autouse=True)
def _no_filters_of_before(owner: Any) -> None:
    owner.page_filters = {}
    owner.save(update_fields=["page_filters"])


def test_a_range_button_changes_the_panel_and_the_address_and_no_other(site: Site, owner: Any) -> None:
    page = site.signed_in(owner.email).new_page()
    page.goto("/?by=sector")
    settle(page)
    page.evaluate("document.querySelector('#allocation').dataset.same = 'yes'")
    page.click("#history >> text=3M")
    page.wait_for_url("**/?by=sector&period=3M")
    assert page.locator("#history [aria-current=true]").inner_text().startswith("3M")
    assert page.get_attribute("#allocation", "data-same") == "yes"
    page.click("#allocation .segmented >> text=Account")
    page.wait_for_url("**/?by=account&period=3M")


def test_the_chart_is_read_with_the_keyboard(site: Site, owner: Any) -> None:
    page = site.signed_in(owner.email).new_page()
    page.goto("/?period=1M")
    settle(page)
    page.focus("#history-chart")
    last = page.get_attribute("#history-chart", "aria-valuetext")
    assert page.inner_text(".hero__value") in (last or "")
    page.keyboard.press("ArrowLeft")
    assert page.get_attribute("#history-chart", "aria-valuenow") == "29"
    assert page.inner_text(".chart__tip-value") in (page.get_attribute("#history-chart", "aria-valuetext") or "")
    page.keyboard.press("Home")
    assert page.get_attribute("#history-chart", "aria-valuenow") == "0"
    page.keyboard.press("End")
    assert page.get_attribute("#history-chart", "aria-valuetext") == last


def test_a_benchmark_is_put_beside_the_line_and_taken_away_with_the_keyboard(site: Site, owner: Any) -> None:
    page = site.signed_in(owner.email).new_page()
    page.goto("/?period=3M")
    settle(page)
    assert page.locator("#history-compared").count() == 0
    assert page.get_attribute("[data-unit=value]", "aria-pressed") == "true"
    page.focus("#compare-SPY")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?period=3M&benchmark=SPY")
    page.wait_for_selector("#history-compared")
    page.wait_for_selector("[data-unit=percent][aria-pressed=true]")
    assert page.evaluate("document.activeElement.id") == "compare-SPY"
    shown = page.inner_text(".chart-compared__part >> nth=1")
    assert re.fullmatch(r"SPY [+\u2212]?[\d.]+%", shown)
    assert (page.get_attribute("#history-chart", "aria-valuetext") or "").endswith(f", {shown}")
    page.focus("#history-chart")
    page.keyboard.press("Home")
    assert (page.get_attribute("#history-chart", "aria-valuetext") or "").endswith("SPY 0.00%")
    page.click("[data-table-toggle]")
    assert page.inner_text("#history-table thead").split()[-3:] == ["Return", "SPY", "Priced"]
    page.click("[data-table-toggle]")
    page.focus("#compare-SPY")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?period=3M")
    page.wait_for_selector("[data-unit=value][aria-pressed=true]")
    assert page.locator("#history-compared").count() == 0


def test_a_failed_update_keeps_the_last_figures_and_says_so(site: Site, owner: Any) -> None:
    page = site.signed_in(owner.email).new_page()
    page.goto("/")
    settle(page)
    before = page.inner_text(".hero__changes")
    page.route("**/*period=3M*", lambda route: route.fulfill(status=503, headers={"X-Request-ID": "abc123"}))
    page.click("#history >> text=3M")
    page.wait_for_selector("#history .failure")
    assert "Request abc123" in page.inner_text("#history .failure")
    assert page.inner_text(".hero__changes") == before
    page.unroute("**/*period=3M*")
    page.click("#history .failure button")
    page.wait_for_url("**/?period=3M")
    assert page.locator("#history .failure").count() == 0


def test_theme_and_privacy_are_remembered(site: Site, owner: Any) -> None:
    page = site.signed_in(owner.email, color_scheme="light").new_page()
    page.goto("/")
    page.click(".user-menu > summary")
    page.click(".user-menu button[value=dark]")
    page.click("[data-appearance] button[name=privacy]")
    page.goto("/holdings/")
    assert page.evaluate("getComputedStyle(document.body).colorScheme") == "dark"
    assert "blur" in page.evaluate("getComputedStyle(document.querySelector('td .private')).filter")


# What the canvas writes beside its lines: nobody else can read it.
AXIS = """async () => {
    const { HIDDEN } = await import("/static/js/appearance.js");
    const chart = echarts.getInstanceByDom(document.querySelector("#history-chart .chart__canvas"));
    const write = chart.getOption().yAxis[0].axisLabel.formatter;
    return [write(1234567), HIDDEN];
}"""


@pytest.mark.slow
def test_hidden_amounts_are_hidden_on_the_axis_too(site: Site, owner: Any) -> None:
    page = site.signed_in(owner.email).new_page()
    page.goto("/?period=3M")
    settle(page)
    assert page.evaluate(AXIS)[0] == "$1.235M"
    page.click("[data-appearance] button[name=privacy]")
    written, hidden = page.evaluate(AXIS)
    assert written == hidden
    page.click("[data-unit=percent]")
    assert page.evaluate(AXIS)[0].endswith("%")


def test_the_line_is_in_money_in_percent_and_without_deposits(site: Site, owner: Any) -> None:
    page = site.signed_in(owner.email).new_page()
    page.goto("/?period=1Y")
    settle(page)
    last = page.locator("#history-chart")
    for unit, term in (
        ("value", "Return since start"),
        ("change", "Change since start"),
        ("percent", "Return since start"),
    ):
        page.click(f"[data-unit={unit}]")
        assert page.get_attribute(f"[data-unit={unit}]", "aria-pressed") == "true"
        last.press("End")
        assert term in page.inner_text(".chart__tip")
    page.goto("/?period=1M")
    settle(page)
    assert page.get_attribute("[data-unit=percent]", "aria-pressed") == "true"


def test_a_mover_opens_its_security(site: Site, owner: Any) -> None:
    page = site.signed_in(owner.email).new_page()
    page.goto("/")
    settle(page)
    label = page.inner_text(".movers__label >> nth=0")
    page.click(".movers__label >> nth=0")
    page.wait_for_selector("#drawer-position")
    assert page.inner_text("#drawer-title") == label


def test_a_finger_reads_the_chart_and_taps_elsewhere_to_leave_it(site: Site, owner: Any) -> None:
    page = site.signed_in(owner.email, viewport=PHONE, has_touch=True).new_page()
    page.goto("/?period=3M")
    settle(page)
    box = page.locator("#history-chart").bounding_box()
    assert box is not None
    page.touchscreen.tap(box["x"] + box["width"] / 3, box["y"] + 60)
    assert page.locator(".chart__tip-value").is_visible()
    page.touchscreen.tap(box["x"] + 20, box["y"] - 150)
    assert not page.locator(".chart__tip-value").is_visible()


@pytest.mark.slow
def test_where_the_system_chooses_the_colours_what_is_chosen_is_still_seen(site: Site, owner: Any) -> None:
    page = site.signed_in(owner.email, forced_colors="active").new_page()
    page.goto("/?period=3M")
    settle(page)
    outline = "node => getComputedStyle(node).outlineStyle"
    assert page.eval_on_selector("#history .segmented__item[aria-current]", outline) == "solid"
    assert page.eval_on_selector("#history .segmented__item:not([aria-current])", outline) == "none"
    colours = page.evaluate(SLICES)
    assert len(colours) == len(set(colours)) > 1


SLICES = """() => echarts.getInstanceByDom(document.querySelector(".figure-ring__canvas"))
    .getOption().series[0].data.map(({ itemStyle }) => itemStyle.color)"""
LINE = """() => echarts.getInstanceByDom(document.querySelector("#history-chart .chart__canvas"))
    .getOption().series[0].lineStyle.color"""


TWO_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.mark.slow
def test_on_paper_the_line_is_dark_whatever_the_screen_was(site: Site, owner: Any) -> None:
    light = site.signed_in(owner.email, color_scheme="light").new_page()
    dark = site.signed_in(owner.email, color_scheme="dark").new_page()
    for page in (light, dark):
        page.goto("/?period=3M")
        settle(page)
    assert dark.evaluate(LINE) != light.evaluate(LINE)
    dark.emulate_media(media="print")
    dark.evaluate(TWO_FRAMES)
    assert dark.evaluate(LINE) == light.evaluate(LINE)


def test_the_page_is_walked_with_the_tab_key_in_the_order_it_is_read(site: Site, owner: Any) -> None:
    """To the content first; every stop is to be seen and shows that it has the focus."""
    page = site.signed_in(owner.email).new_page()
    page.goto("/?period=3M")
    settle(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip-link"
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    stops = []
    for _ in range(20):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(FOCUSED))
    assert [stop["name"] for stop in stops if not stop["shown"] or stop["outline"] == "none"] == []
    names = [stop["name"] for stop in stops]
    assert names.index("1D") < names.index("Compare with SPY") < names.index("history-chart")


FOCUSED = """() => {
    const node = document.activeElement;
    const box = node.getBoundingClientRect();
    const words = node.id === "history-chart" ? node.id : node.textContent.split(",")[0].trim();
    return { name: words, shown: box.width > 0 && box.height > 0, outline: getComputedStyle(node).outlineStyle };
}"""
