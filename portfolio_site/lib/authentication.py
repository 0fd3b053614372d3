"""API authentication that also tells PostgreSQL whose rows may be seen."""

from typing import Any

from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication

from portfolio_site.lib import rls


class TenantJWTAuthentication(JWTAuthentication):
    """Bearer token; the token's user becomes the tenant of the request's transaction."""

    def authenticate(self, request: Request) -> Any:
        result = super().authenticate(request)
        if result is not None:
            rls.set_tenant(result[0].pk)
        return result


class TenantSessionAuthentication(SessionAuthentication):
    """Session cookie with CSRF. Answers 401, not 403, to a caller who is not signed in."""

    def authenticate(self, request: Request) -> Any:
        result = super().authenticate(request)
        if result is not None:
            rls.set_tenant(result[0].pk)
        return result
