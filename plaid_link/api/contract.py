"""The manners of the four Plaid routes: what a body holds, who may name whom, `{"error": ...}` for all that fails."""

import logging
import math
import re
from datetime import date
from typing import Any

from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from plaid_link.api.serializers import ErrorSerializer
from plaid_link.link import ExchangeIncomplete
from plaid_link.sources.base import SourceError
from plaid_link.sync import recent_window
from portfolio_site.lib.idempotency import Replayed
from portfolio_site.models import User

logger = logging.getLogger(__name__)

UNFORESEEN = "Something went wrong on our side. Nothing was changed; try again."
ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class Refused(Exception):
    """A request that cannot be answered as asked."""

    def __init__(self, error: str, *, status: int = 400) -> None:
        super().__init__(error)
        self.status = status


class PlaidRoute(APIView):
    """Base of the four routes. They run outside of the request's tenant transaction, because they talk to Plaid."""

    error_serializer = ErrorSerializer

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, Replayed):
            return exc.answer  # type: ignore[return-value]
        if isinstance(exc, Refused):
            return Response({"error": str(exc)}, status=exc.status)
        if isinstance(exc, SourceError | ExchangeIncomplete):
            return Response({"error": str(exc)}, status=500, headers=_retry_after(exc))
        if isinstance(exc, exceptions.APIException):
            return self._api_error(exc)
        logger.exception("%s failed", self.request.path, exc_info=exc)
        return Response({"error": UNFORESEEN}, status=500)

    def _api_error(self, exc: exceptions.APIException) -> Response:
        headers = {}
        if isinstance(exc, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
            exc.status_code = 401
            headers["WWW-Authenticate"] = self.get_authenticate_header(self.request) or "Bearer"
        if isinstance(exc, exceptions.Throttled) and exc.wait is not None:
            headers["Retry-After"] = str(math.ceil(exc.wait))
        error = exc.detail if isinstance(exc.detail, str) else exc.default_detail
        return Response({"error": str(error)}, status=exc.status_code, headers=headers)


def _retry_after(failure: Exception) -> dict[str, str]:
    """The header that says when to ask again, where that is known."""
    seconds = getattr(failure, "retry_after", None)
    return {} if seconds is None else {"Retry-After": str(math.ceil(seconds))}


def needed(request: Request, *names: str) -> list[Any]:
    """The values of these fields. Raises Refused, naming all of them, where one is missing or empty."""
    body = request.data if isinstance(request.data, dict) else {}
    values = [body.get(name) for name in names]
    if any(value is None or value == "" for value in values):
        raise Refused("Missing " + " or ".join(names))
    return values


def user_named(request: Request, user_id: Any) -> int:
    """The user a caller may act for: themselves, or for staff anyone. Raises Refused (404)."""
    wanted = str(user_id) if isinstance(user_id, str | int) and not isinstance(user_id, bool) else ""
    if wanted == str(request.user.pk):
        return int(request.user.pk)
    exists = wanted.isascii() and wanted.isdigit() and len(wanted) < 19
    if exists and request.user.is_staff and User.objects.filter(pk=int(wanted)).exists():
        return int(wanted)
    raise Refused("User not found", status=404)


def text(value: Any, name: str) -> str:
    """Text without NUL. Raises Refused."""
    if not isinstance(value, str) or "\x00" in value:
        raise Refused(f"{name} must be text")
    return value


def window(request: Request) -> tuple[date, date]:
    """The dates asked for, or the last 30 days where either is missing. Raises Refused."""
    body = request.data if isinstance(request.data, dict) else {}
    given = {name: body.get(name) for name in ("start_date", "end_date")}
    parsed = {name: _day(value, name) for name, value in given.items() if value not in (None, "")}
    if len(parsed) < 2:
        return recent_window()
    if parsed["start_date"] > parsed["end_date"]:
        raise Refused("start_date must not be after end_date")
    return parsed["start_date"], parsed["end_date"]


def _day(value: Any, name: str) -> date:
    try:
        if isinstance(value, str) and ISO_DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise Refused(f"{name} must be a date, YYYY-MM-DD")
