"""Where the user is signed in, on the settings page: sessions of browsers and tokens of programs, each to be
ended; and what they agreed to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from portfolio_site.lib import second_factor
from portfolio_site.models import Consent

# What a browser says of itself, most particular first: Chrome says that it is Safari, Edge that it is both.
BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrom", "Chrome"), ("Safari", "Safari"))
SYSTEMS = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac", "Mac"))


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is signed in."""

    id: int
    device: str
    address: str
    since: datetime
    is_current: bool


def access(request: HttpRequest) -> dict[str, Any]:
    """What the settings page shows of it."""
    return {
        "sessions": _sessions(request),
        "has_second_factor": second_factor.is_needed(request.user),
        "programs": list(_live_tokens(request.user).order_by("-created_at")),
        "consents": list(Consent.objects.filter(owner=request.user)),
    }


def _sessions(request: HttpRequest) -> list[Session]:
    alive = UserSession.objects.purge_and_list(request.user)
    shown = [
        Session(row.pk, _device(row.user_agent), row.ip, row.created_at, row.session_key == request.session.session_key)
        for row in alive
    ]
    return sorted(shown, key=lambda session: (not session.is_current, -session.since.timestamp()))


def _device(agent: str) -> str:
    browser = next((name for mark, name in BROWSERS if mark in agent), "A browser")
    system = next((f" on {name}" for mark, name in SYSTEMS if mark in agent), " on Linux" if "Linux" in agent else "")
    return browser + system


def _live_tokens(user: Any) -> Any:
    return OutstandingToken.objects.filter(user=user, expires_at__gt=timezone.now(), blacklistedtoken=None)


@login_required
@require_POST
def end_session(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign one browser out."""
    get_object_or_404(UserSession, pk=pk, user=request.user).end()
    messages.success(request, "Signed out there.")
    return redirect("settings")


@login_required
@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """Sign out every browser but this one, and every program."""
    for session in UserSession.objects.filter(user=request.user).exclude(session_key=request.session.session_key):
        session.end()
    _end_tokens(request.user)
    messages.success(request, "Signed out everywhere else.")
    return redirect("settings")


@login_required
@require_POST
def end_program(request: HttpRequest, pk: int) -> HttpResponse:
    """End the refresh token of one program."""
    token = get_object_or_404(_live_tokens(request.user), pk=pk)
    BlacklistedToken.objects.bulk_create([BlacklistedToken(token=token)], ignore_conflicts=True)
    messages.success(request, "That program is signed out: its access ends within a quarter of an hour.")
    return redirect("settings")


@login_required
@require_POST
def end_programs(request: HttpRequest) -> HttpResponse:
    """End the refresh tokens of all programs; their access ends within a quarter of an hour."""
    _end_tokens(request.user)
    messages.success(request, "Programs are signed out: they have to ask for your password again.")
    return redirect("settings")


def _end_tokens(user: Any) -> None:
    ended = [BlacklistedToken(token=token) for token in _live_tokens(user)]
    BlacklistedToken.objects.bulk_create(ended, ignore_conflicts=True)
