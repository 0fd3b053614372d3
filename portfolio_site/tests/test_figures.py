from decimal import Decimal
from html import unescape
from typing import Any

import pytest

from portfolio_site.templatetags import figures
from portfolio_site.templatetags.figures import EN_DASH, MINUS
from portfolio_site.templatetags.icons import PATHS, icon, monogram


def text(html: str) -> str:
    """What is left without tags."""
    inside, out = False, []
    for letter in html:
        if letter == "<":
            inside = True
        elif letter == ">":
            inside = False
        elif not inside:
            out.append(letter)
    return unescape("".join(out))


@pytest.mark.parametrize(
    ("value", "currency", "shown"),
    [
        (Decimal("1234.565"), "USD", "$1,234.57"),
        (Decimal("-1234.564"), "USD", f"{MINUS}$1,234.56"),
        (Decimal("-0.004"), "USD", "$0.00"),
        ("12.5", "EUR", "€12.50"),
        (1234.5, "JPY", "¥1,235"),
        (0, "USD", "$0.00"),
        (None, "USD", EN_DASH),
    ],
)
def test_money(value: Any, currency: str, shown: str) -> None:
    assert figures.money_text(value, currency) == shown


def test_money_is_blurred_by_privacy_and_percentages_are_not() -> None:
    assert 'class="figure private"' in figures.money(Decimal(5))
    assert "private" not in figures.change_percent(0.1)


@pytest.mark.parametrize(
    ("value", "shown", "tone"),
    [("5", "+$5.00", "gain"), ("-5", f"{MINUS}$5.00", "loss"), ("0.001", "$0.00", "flat"), ("-0.001", "$0.00", "flat")],
)
def test_a_signed_amount_has_the_tone_of_what_is_shown(value: str, shown: str, tone: str) -> None:
    html = figures.signed_money(Decimal(value))
    assert (text(html), f"change--{tone}" in html) == (shown, True)


def test_a_change_has_sign_arrow_and_colour() -> None:
    html = figures.change(Decimal("-12.3"), -0.0456)
    assert text(html) == f"{MINUS}$12.30{MINUS}4.56%"
    assert "change--loss" in html
    assert "<svg" in html
    assert "<svg" not in figures.change(Decimal(0), 0)


def test_paying_for_something_is_not_a_loss() -> None:
    assert "change--" not in figures.cash_flow(Decimal(-5))
    assert "change--gain" in figures.cash_flow(Decimal(5))


@pytest.mark.parametrize(
    ("ratio", "places", "shown"),
    [(0.0512, 2, "5.12%"), (-0.5, 0, f"{MINUS}50%"), (Decimal("12.3456"), 1, "1,234.6%"), (None, 2, EN_DASH)],
)
def test_percent(ratio: Any, places: int, shown: str) -> None:
    assert figures.percent(ratio, places) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [("10.500000000000", "10.5"), ("-40", f"{MINUS}40"), ("1200000", "1,200,000"), ("0.00000001", "0.00000001")],
)
def test_quantity_keeps_what_counts(value: str, shown: str) -> None:
    assert text(figures.quantity(Decimal(value))) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("227.5", "$227.50"),
        ("0.5", "$0.50"),
        ("0.00001184", "$0.00001184"),
        ("0", "$0.00"),
        ("-1.1e-6", f"{MINUS}$0.0000011"),
        ("0.1723111111111111111111111111", "$0.172311"),
    ],
)
def test_a_price_below_one_keeps_the_digits_that_count(value: str, shown: str) -> None:
    assert text(figures.price(Decimal(value))) == shown


def test_a_dash_gives_its_reason_and_nothing_is_believed_to_be_html() -> None:
    assert text(figures.dash("<b>No quote</b>")) == f"{EN_DASH}<b>No quote</b>"
    assert "<b>" not in figures.dash("<b>")


@pytest.mark.parametrize(("ratio", "width"), [(0.421, "42.10"), (-1, "0.00"), (7, "100.00"), (None, "0.00")])
def test_a_bar_stays_in_its_track(ratio: Any, width: str) -> None:
    assert f'width="{width}"' in figures.bar(ratio)


@pytest.mark.parametrize("name", sorted(PATHS))
def test_icons_are_hidden_from_screen_readers(name: str) -> None:
    assert 'aria-hidden="true"' in icon(name)


@pytest.mark.parametrize(
    ("color", "letter"),
    [("#0052ff", "#ffffff"), ("#ffe14d", "#15181e"), ("red; }", "#ffffff"), ("", "#ffffff")],
)
def test_a_monogram_can_be_read_on_its_colour(color: str, letter: str) -> None:
    html = monogram("Coinbase", color)
    assert f'<text x="14" y="18.2" fill="{letter}">C</text>' in html
    assert "red" not in html
