"""What drf-spectacular cannot see by itself: the problem bodies that every route may answer."""

from typing import Any, Literal

from drf_spectacular.authentication import SessionScheme
from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme
from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

from portfolio_site.lib.errors import PROBLEM_JSON, TITLES


class ProblemSerializer(serializers.Serializer[dict[str, Any]]):
    """RFC 9457 problem details."""

    type = serializers.CharField(help_text="`about:blank`: the status says it all.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors = serializers.DictField(required=False, help_text="Messages per field, of a request that did not validate.")  # type: ignore[assignment]
    request_id = serializers.CharField(help_text="Name it when you ask for help.")


class BearerScheme(SimpleJWTScheme):  # type: ignore[no-untyped-call]
    """`Authorization: Bearer <access token>`."""

    target_class = "portfolio_site.lib.authentication.TenantJWTAuthentication"
    name = "bearer"


class CookieScheme(SessionScheme):  # type: ignore[no-untyped-call]
    """The session of the pages."""

    target_class = "portfolio_site.lib.authentication.TenantSessionAuthentication"
    name = "session"


class ProblemSchema(AutoSchema):
    """Adds the problem answers: 400 and 404 for every route, 401 where one has to be signed in."""

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> Any:
        bodies = super()._get_response_bodies(direction=direction)
        for status in self._problem_statuses():
            bodies.setdefault(str(status), self._problem(status, direction))
        return bodies

    def _problem_statuses(self) -> list[int]:
        signed_in = bool(self.view.get_authenticators())
        body = [415] if self.method in {"POST", "PUT", "PATCH"} else []
        return [400, *([401] if signed_in else []), 404, *body]

    def _problem(self, status: int, direction: Literal["request", "response"]) -> dict[str, Any]:
        bodies: Any = self._get_response_for_code
        return {
            **bodies(ProblemSerializer, str(status), [PROBLEM_JSON], direction=direction),
            "description": TITLES[status],
        }
