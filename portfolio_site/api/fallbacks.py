"""Answers for requests that no view answered: problem details under `/api/`, Django's pages elsewhere."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views import defaults

from portfolio_site.lib.errors import problem_response

API_PATHS = ("/api/", "/health")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return _problem(request, 400) or defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return _problem(request, 403) or defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return _problem(request, 404) or defaults.page_not_found(request, exception)


def server_error(request: HttpRequest, *_args: Any) -> HttpResponseBase:
    return _problem(request, 500) or defaults.server_error(request)


def _problem(request: HttpRequest, status: int) -> HttpResponse | None:
    return problem_response(request, status) if request.path.startswith(API_PATHS) else None
