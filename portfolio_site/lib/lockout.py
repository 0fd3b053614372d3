"""Who is locked out after failed sign-ins, for django-axes: by whom, from where, and what they are answered."""

from typing import Any

from axes.helpers import get_cool_off
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from rest_framework.throttling import BaseThrottle

from portfolio_site.lib.blind_index import pseudonym
from portfolio_site.lib.errors import problem_response

LOCKED = "Too many attempts to sign in. Wait a little, then try again."


def username(request: Any, credentials: dict[str, Any] | None) -> str:
    """What stands for the e-mail address that somebody tries to sign in with; empty where none is given."""
    given = credentials or {}
    typed = str(given.get("email") or given.get("username") or request.POST.get("login", ""))[:254]
    return pseudonym(typed) if typed.strip() else ""


def address(request: Any) -> str:
    """Where the caller is, as far as our own proxies say."""
    return str(BaseThrottle().get_ident(request))


def seconds(request: HttpRequest | None = None) -> int:
    """How long whoever is locked out has to wait."""
    cool_off = get_cool_off(request)
    return int(cool_off.total_seconds()) if cool_off else 0


def answer(request: HttpRequest, _response: HttpResponse | None = None, *_credentials: Any) -> HttpResponse:
    """429 with `Retry-After`: a problem under `/api/`, a page elsewhere."""
    if request.path.startswith("/api/"):
        refused = problem_response(request, 429, LOCKED)
    else:
        refused = render(request, "account/locked_out.html", status=429)
    refused["Retry-After"] = str(seconds(request))
    return refused
