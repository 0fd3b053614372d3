"""`/appearance/`: theme and privacy without JavaScript; with it, the page sets the same cookies itself."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from portfolio_site.pages.shell import THEMES

YEAR = 365 * 24 * 3600
CHOICES = {"theme": THEMES, "privacy": ("on",)}


@require_POST
def appearance(request: HttpRequest) -> HttpResponse:
    """Remember the choice in a cookie and go back to the page it was made on."""
    response = redirect(_back(request))
    for name, values in CHOICES.items():
        chosen = request.POST.get(name)
        if chosen in values:
            response.set_cookie(name, chosen, max_age=YEAR, samesite="Lax", secure=request.is_secure())
        elif chosen is not None:
            response.delete_cookie(name)
    return response


def _back(request: HttpRequest) -> str:
    target = request.POST.get("next", "/")
    allowed = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if allowed else "/"
