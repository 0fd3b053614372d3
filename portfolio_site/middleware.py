"""Request id, content security policy, and the transaction in which a request sees only its own rows."""

import logging
import time
import uuid
from collections.abc import Callable

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import iri_to_uri
from django.utils.http import urlencode
from django_htmx.http import HttpResponseClientRedirect

from portfolio_site.lib import latency, logs, rls
from portfolio_site.showcase import is_showcase

logger = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponse]


class RequestIdMiddleware:
    """Gives every request an id, taken from a proxy's `X-Request-ID` where it looks like one, and returns it.

    Every line that is logged on the way carries it, and so do the tasks that the request queues.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if given.isalnum() and len(given) <= 64 else uuid.uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]
        logs.clear()
        logs.bind(request_id=request_id)
        started = time.perf_counter()
        response = self.get_response(request)
        response["X-Request-ID"] = request_id
        seconds = time.perf_counter() - started
        latency.observe(request, response.status_code, seconds)
        self._log(request, response, seconds)
        return response

    def _log(self, request: HttpRequest, response: HttpResponse, seconds: float) -> None:
        """The path without its query, in which people search for anything, and quoted: it may hold line breaks."""
        level = logging.ERROR if response.status_code >= 500 else logging.INFO
        asked = f"{request.method} {iri_to_uri(request.path)}"
        logger.log(level, "%s answered %d in %d ms", asked, response.status_code, round(seconds * 1000))
        logs.clear()


class ContentSecurityPolicyMiddleware:
    """No inline script or style; the Link script's origin is the only foreign one."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        link = "/".join(settings.PLAID_LINK_SCRIPT_URL.split("/")[:3])
        self.policy = "; ".join(
            [
                "default-src 'self'",
                f"script-src 'self' {link}",
                "style-src 'self'",
                "img-src 'self' data:",
                f"frame-src {link}",
                f"connect-src 'self' {link}",
                "object-src 'none'",
                "base-uri 'self'",
                "form-action 'self'",
                "frame-ancestors 'none'",
            ]
        )

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", self.policy)
        return response


def has_somebody(request: HttpRequest) -> bool:
    """Whether the request is somebody's. Costs a query only where there is a cookie."""
    if is_showcase(request):
        return True
    return settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated


# Views that open transactions of their own: none while they wait for somebody else; a failed sign-in has to be
# remembered though its answer is an error; and that a chart has not changed is found out by two questions.
WITHOUT_TENANT = ("/health", "/api/auth/", "/api/webhooks/", "/webhook/", "/api/plaid/", "/api/portfolio/history")


class TenantMiddleware:
    """One transaction a request, with the signed-in user's rows visible; undone when the view refused or failed.

    Row security needs `set_config(..., is_local => true)` inside the very transaction that reads, so the transaction is
    opened here and not by ATOMIC_REQUESTS. Staff in the admin see all owners: that is where operators recover.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith((settings.STATIC_URL, *WITHOUT_TENANT)):
            return self.get_response(request)
        with transaction.atomic():
            self._make_visible(request)
            response = self.get_response(request)
            if response.status_code >= 400:
                transaction.set_rollback(True)
            return response

    def _make_visible(self, request: HttpRequest) -> None:
        if not has_somebody(request):
            return
        rls.set_tenant(request.user.pk)
        logs.bind(user_id=request.user.pk)
        if request.path.startswith("/admin/") and request.user.is_staff:
            rls.set_operator()


# Where somebody may go who has not agreed to the terms as they are now: to read them, to take their data, to leave.
WITHOUT_TERMS = (*WITHOUT_TENANT, "/api/", "/accounts/", "/admin/", "/appearance/", "/terms/", "/metrics")
WITHOUT_TERMS_EXACTLY = frozenset({"/onboarding/", "/settings/data/", "/settings/leave/", "/offline/", "/worker.js"})


class TermsMiddleware:
    """Who has not agreed to the terms as they are now is asked before the next page. Stands inside of the tenant's
    transaction, which has read the user; costs no query."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if self._is_open(request) or not request.user.is_authenticated or request.user.has_agreed:
            return self.get_response(request)
        if not request.user.terms_version:
            return redirect("onboarding")
        asked = f"{reverse('terms')}?{urlencode({'next': request.get_full_path()})}"
        # What htmx asks for is a part of a page: the whole page has to go.
        return HttpResponseClientRedirect(asked) if request.htmx else redirect(asked)  # type: ignore[attr-defined]

    def _is_open(self, request: HttpRequest) -> bool:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or request.path in WITHOUT_TERMS_EXACTLY:
            return True
        return request.path.startswith((settings.STATIC_URL, *WITHOUT_TERMS))


class TimeZoneMiddleware:
    """Times on pages are those of the user's zone; the API speaks UTC. Stands inside of the tenant's transaction."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with timezone.override(self._zone(request)):
            return self.get_response(request)

    def _zone(self, request: HttpRequest) -> str | None:
        """The name of the user's zone, or None for the site's own. Asks who it is only where a page is drawn."""
        if request.path.startswith((settings.STATIC_URL, "/api/", *WITHOUT_TENANT)):
            return None
        return request.user.time_zone if has_somebody(request) else None
