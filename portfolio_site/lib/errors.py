"""One error shape for the API: RFC 9457 problem details. No traceback and no internal name ever gets out."""

import json
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from portfolio_site.lib.idempotency import Replayed

PROBLEM_JSON = "application/problem+json"
TITLES = {
    400: "Bad request",
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported media type",
    429: "Too many requests",
    500: "Something went wrong on our side",
    503: "Unavailable",
}


def problem_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: every anticipated error as `application/problem+json`."""
    if isinstance(exc, Replayed):
        return exc.answer  # type: ignore[return-value]
    if isinstance(exc, ValidationError):
        exc = exceptions.ValidationError(detail=exc.messages)
    response = exception_handler(exc, context)
    if response is None:
        return None
    hide_foreign = isinstance(exc, PermissionDenied | exceptions.PermissionDenied | Http404 | exceptions.NotFound)
    response.data = problem(
        status=response.status_code,
        detail=None if hide_foreign else _detail(response.data),
        errors=response.data if isinstance(exc, exceptions.ValidationError) else None,
        request_id=getattr(context["request"], "request_id", ""),
    )
    response.content_type = PROBLEM_JSON
    return response


def problem(*, status: int, detail: str | None = None, errors: Any = None, request_id: str = "") -> dict[str, Any]:
    """The body of a problem: `type`, `title`, `status`, `detail`, `errors` per field, `request_id`."""
    title = TITLES.get(status, "Error")
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail or title}
    if errors is not None:
        body["errors"] = errors if isinstance(errors, dict) else {"non_field_errors": errors}
    body["request_id"] = request_id
    return body


def problem_response(request: HttpRequest, status: int, detail: str | None = None) -> HttpResponse:
    """A problem outside of DRF: unknown paths, crashes, refused requests. Touches no database."""
    body = problem(status=status, detail=detail, request_id=getattr(request, "request_id", ""))
    return HttpResponse(json.dumps(body), status=status, content_type=PROBLEM_JSON)


def _detail(data: Any) -> str | None:
    if isinstance(data, dict) and isinstance(data.get("detail"), str):
        return str(data["detail"])
    return None
