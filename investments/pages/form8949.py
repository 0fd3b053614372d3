"""`/tax/form-8949/`: the rows of a year as a statement to print and file beside the return."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode

from investments import tax
from investments.core.form8949 import Part
from investments.pages.scope import scope_of
from investments.pages.tax import FormPart, year_of
from portfolio_site.lib import sessions

# From 2025 on sales of digital assets have boxes of their own (Form 8949 and its instructions).
DIGITAL_ASSETS_FROM = 2025
TITLES = {
    Part.SHORT_TERM: "Part I. Short-term: assets held one year or less",
    Part.LONG_TERM: "Part II. Long-term: assets held more than one year",
}
REPORTED = (
    "on Form 1099-B, with the basis reported to the IRS",
    "on Form 1099-B, with the basis not reported to the IRS",
    "not on a Form 1099-B",
)
BOXES = {Part.SHORT_TERM: "ABC", Part.LONG_TERM: "DEF"}
DIGITAL_BOXES = {Part.SHORT_TERM: "GHI", Part.LONG_TERM: "JKL"}


@login_required
def form_8949_page(request: HttpRequest) -> HttpResponse:
    """All rows of the year, whatever the tax page shows of them."""
    scope, usual = scope_of(request), sessions.today().year - 1
    year = year_of(request.GET.get("year", ""), usual)
    report = tax.report(tax.closings(owner=request.user, year=year, account_ids=scope.account_ids), year=year)
    feet = {Part.SHORT_TERM: report.short, Part.LONG_TERM: report.long}
    parts = [part for part in Part if report.of(part)]
    context = {
        "year": year,
        "sheets": [
            (FormPart(TITLES[part], part.value, report.of(part), feet[part], 0), _boxes(part, year)) for part in parts
        ],
        "is_converted": report.is_converted,
        "is_behind": tax.lots_are_behind(owner=request.user),
        "back_url": f"{reverse('tax')}?{urlencode({'year': year, **scope.parameters})}",
    }
    return render(request, "investments/form_8949.html", context)


def _boxes(part: Part, year: int) -> list[tuple[str, str]]:
    """The letters, of which one is to be checked, and what each says of the sales."""
    digital = DIGITAL_BOXES[part] if year >= DIGITAL_ASSETS_FROM else ""
    letters = [f"{one} ({other} for digital assets)" for one, other in zip(BOXES[part], digital, strict=False)]
    return list(zip(letters or BOXES[part], REPORTED, strict=True))
