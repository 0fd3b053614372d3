"""How numbers look: base currency, tabular, sign and arrow on every change, a dash with its reason when unknown."""

from decimal import Context, Decimal
from typing import Any

from babel.numbers import format_currency
from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from portfolio_site.lib import money as rounding

register = template.Library()

Number = Decimal | float | int | str | None

LOCALE = "en_US"
MINUS = "\N{MINUS SIGN}"
EN_DASH = "\N{EN DASH}"
SIX_DIGITS = Context(prec=6)
ARROWS = {
    "gain": mark_safe('<svg class="change__arrow" viewBox="0 0 8 8" aria-hidden="true"><path d="M4 1l4 6H0z"/></svg>'),
    "loss": mark_safe('<svg class="change__arrow" viewBox="0 0 8 8" aria-hidden="true"><path d="M4 7L0 1h8z"/></svg>'),
    "flat": "",
}


def _decimal(value: Number) -> Decimal | None:
    if value is None or value == "":
        return None
    return value if isinstance(value, Decimal) else Decimal(str(value))


def _money(value: Decimal, currency: str) -> str:
    """`$1,234.56`, without its sign."""
    return str(format_currency(rounding.displayed(abs(value), currency), currency, locale=LOCALE))


def _direction(value: Decimal) -> str:
    if value == 0:
        return "flat"
    return "gain" if value > 0 else "loss"


def _sign(value: Decimal, plus: str = "+") -> str:
    if value == 0:
        return ""
    return plus if value > 0 else MINUS


@register.filter
def money_text(value: Number, currency: str = "USD") -> str:
    """The amount as plain text, for attributes and sentences."""
    amount = _decimal(value)
    if amount is None:
        return EN_DASH
    shown = rounding.displayed(amount, currency)
    return _sign(shown, plus="") + _money(shown, currency)


@register.filter
def money(value: Number, currency: str = "USD") -> SafeString:
    """The amount, blurred while privacy is on."""
    if _decimal(value) is None:
        return dash()
    return format_html('<span class="figure private">{}</span>', money_text(value, currency))


@register.filter
def signed_money(value: Number, currency: str = "USD") -> SafeString:
    """The amount with + or minus before it, in the colour of its sign."""
    amount = _decimal(value)
    if amount is None:
        return dash()
    shown = rounding.displayed(amount, currency)
    return format_html(
        '<span class="figure private change--{}">{}{}</span>', _direction(shown), _sign(shown), _money(shown, currency)
    )


@register.filter
def plain_signed_money(value: Number, currency: str = "USD") -> SafeString:
    """The amount with its sign, in the colour of the text: the percentage under it carries the colour."""
    amount = _decimal(value)
    if amount is None:
        return dash()
    shown = rounding.displayed(amount, currency)
    return format_html('<span class="figure private">{}{}</span>', _sign(shown), _money(shown, currency))


@register.filter
def form_money(value: Number) -> str:
    """The amount as tax forms have it: no currency, below zero in brackets, nothing where it is not known."""
    amount = _decimal(value)
    if amount is None:
        return ""
    shown = rounding.displayed(amount, "USD")
    return f"({-shown:,.2f})" if shown < 0 else f"{shown:,.2f}"


@register.filter
def cash_flow(value: Number, currency: str = "USD") -> SafeString:
    """Money in with a plus and in green, money out with a minus: paying for something is not a loss."""
    amount = _decimal(value)
    if amount is None:
        return dash()
    return signed_money(amount, currency) if amount > 0 else plain_signed_money(amount, currency)


@register.filter
def percent(ratio: Number, places: int = 2) -> str:
    """A ratio as a percentage: 0.0512 is 5.12%."""
    value = _decimal(ratio)
    if value is None:
        return EN_DASH
    shown = round(value * 100, places)
    return f"{_sign(shown, plus='')}{abs(shown):,.{places}f}%"


@register.filter
def ratio(value: Number, places: int = 2) -> str:
    """A plain number, such as a Sharpe ratio or a correlation."""
    number = _decimal(value)
    if number is None:
        return EN_DASH
    shown = round(number, places)
    return f"{_sign(shown, plus='')}{abs(shown):,.{places}f}"


@register.filter
def signed_percent(ratio: Number, places: int = 2) -> str:
    value = _decimal(ratio)
    if value is None:
        return EN_DASH
    shown = round(value * 100, places)
    return f"{_sign(shown)}{abs(shown):,.{places}f}%"


@register.filter
def quantity(value: Number) -> SafeString:
    """Units without trailing zeros, blurred while privacy is on."""
    units = _decimal(value)
    if units is None:
        return dash()
    digits = f"{abs(units):,f}"
    shown = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return format_html('<span class="figure private">{}{}</span>', _sign(units, plus=""), shown)


@register.filter
def price(value: Number, currency: str = "USD") -> SafeString:
    """A price per unit: the currency's places, and six digits of what is worth less than one."""
    amount = _decimal(value)
    if amount is None:
        return dash("No price")
    if amount == 0 or abs(amount) >= 1:
        return format_html('<span class="figure">{}</span>', money_text(amount, currency))
    digits = f"{SIX_DIGITS.plus(abs(amount)):f}".rstrip("0")
    whole, _, fraction = digits.partition(".")
    symbol = _money(Decimal(0), currency).rstrip("0.")
    return format_html(
        '<span class="figure">{}{}{}.{}</span>', _sign(amount, ""), symbol, whole, fraction.ljust(2, "0")
    )


@register.simple_tag
def change(amount: Number, ratio: Number = None, currency: str = "USD") -> SafeString:
    """A change with arrow, sign and colour, and its percentage in brackets where it is known."""
    value = _decimal(amount)
    if value is None:
        return dash()
    shown = rounding.displayed(value, currency)
    direction = _direction(shown)
    return format_html(
        '<span class="change change--{}">{}<span class="figure private">{}{}</span>{}</span>',
        direction,
        ARROWS[direction],
        _sign(shown),
        _money(shown, currency),
        _bracketed(ratio),
    )


def _bracketed(ratio: Number) -> SafeString | str:
    if _decimal(ratio) is None:
        return ""
    return format_html('<span class="figure change__percent">{}</span>', signed_percent(ratio))


@register.simple_tag
def change_percent(ratio: Number) -> SafeString:
    """A percentage change with arrow, sign and colour."""
    value = _decimal(ratio)
    if value is None:
        return dash()
    direction = _direction(round(value * 100, 2))
    return format_html(
        '<span class="change change--{}">{}<span class="figure">{}</span></span>',
        direction,
        ARROWS[direction],
        signed_percent(value),
    )


@register.simple_tag
def dash(reason: str = "Unknown") -> SafeString:
    """A dash that says why there is no number."""
    return format_html(
        '<span class="dash" title="{0}"><span aria-hidden="true">{1}</span>'
        '<span class="visually-hidden">{0}</span></span>',
        reason,
        EN_DASH,
    )


@register.simple_tag
def bar(ratio: Any, slice_number: int | str = "") -> SafeString:
    """A thin bar filled to `ratio` (0 to 1), drawn with SVG attributes because inline styles are forbidden."""
    width = min(100.0, max(0.0, float(ratio or 0) * 100))
    fill = f"slice-{slice_number}" if slice_number else ""
    return format_html(
        '<svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="bar__track" width="100" height="4"/><rect class="bar__fill {}" width="{}" height="4"/></svg>',
        fill,
        f"{width:.2f}",
    )
