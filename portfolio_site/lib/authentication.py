"""API authentication that also tells PostgreSQL whose rows may be seen."""

from typing import Any

from django.db import connection
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication

from portfolio_site.lib import logs, rls


def _make_visible(result: Any) -> None:
    """Where the view opens transactions of its own there is none yet, and nothing is visible until it does."""
    if result is None:
        return
    logs.bind(user_id=result[0].pk)
    if connection.in_atomic_block:
        rls.set_tenant(result[0].pk)


class TenantJWTAuthentication(JWTAuthentication):
    """Bearer token; the token's user becomes the tenant of the request's transaction."""

    def authenticate(self, request: Request) -> Any:
        result = super().authenticate(request)
        _make_visible(result)
        return result


class TenantSessionAuthentication(SessionAuthentication):
    """Session cookie with CSRF. Answers 401, not 403, to a caller who is not signed in."""

    def authenticate(self, request: Request) -> Any:
        result = super().authenticate(request)
        _make_visible(result)
        return result
