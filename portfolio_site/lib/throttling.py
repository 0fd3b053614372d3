"""What a caller may ask of the API: so many requests a minute, fewer of those that answer for many at once."""

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from portfolio_site.lib import ratelimit

BULK = "bulk"


class PerMinute(BaseThrottle):
    """A sliding minute per user, per address where nobody is signed in. Views with `throttle_scope = "bulk"` have a
    smaller one of their own besides. A limit of 0 switches it off."""

    wait_seconds = 0.0

    def allow_request(self, request: Request, view: object) -> bool:
        self.wait_seconds = max(
            (_entered(name, self._caller(request), allowed) for name, allowed in self._limits(view)), default=0.0
        )
        return not self.wait_seconds

    def wait(self) -> float:
        """Seconds until the next request may pass; DRF makes `Retry-After` of it."""
        return self.wait_seconds

    def _limits(self, view: object) -> list[tuple[str, int]]:
        limits = [("api", settings.API_REQUESTS_PER_MINUTE)]
        if getattr(view, "throttle_scope", "") == BULK:
            limits.insert(0, ("bulk", settings.API_BULK_REQUESTS_PER_MINUTE))
        return limits

    def _caller(self, request: Request) -> str:
        user = request.user
        return f"user-{user.pk}" if user and user.is_authenticated else f"address-{self.get_ident(request)}"


def _entered(name: str, caller: str, allowed: int) -> float:
    return ratelimit.enter(name, caller, per_minute=allowed) if allowed > 0 else 0.0
