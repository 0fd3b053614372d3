"""`/`: the overview for who is signed in, the first page for who is not."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from history.pages.overview import overview


def home(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return overview(request)
    return render(request, "portfolio_site/landing.html")
