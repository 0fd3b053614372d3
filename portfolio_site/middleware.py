"""Request id, content security policy, and the transaction in which a request sees only its own rows."""

import logging
import time
import uuid
from collections.abc import Callable

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.encoding import iri_to_uri

from portfolio_site.lib import logs, rls

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
        self._log(request, response, time.perf_counter() - started)
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


# Views without a tenant: they open transactions of their own, and none while they wait for somebody else; and a failed
# sign-in has to be remembered though its answer is an error.
WITHOUT_TENANT = ("/health", "/api/auth/", "/api/webhooks/", "/webhook/", "/api/plaid/")


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
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or not request.user.is_authenticated:
            return
        rls.set_tenant(request.user.pk)
        logs.bind(user_id=request.user.pk)
        if request.path.startswith("/admin/") and request.user.is_staff:
            rls.set_operator()


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
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or not request.user.is_authenticated:
            return None
        return request.user.time_zone
