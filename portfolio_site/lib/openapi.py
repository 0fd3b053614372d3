"""What drf-spectacular cannot see by itself: the problem bodies that every route may answer."""

from typing import Any, Literal

from drf_spectacular.authentication import SessionScheme
from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from portfolio_site.lib.errors import PROBLEM_JSON, TITLES
from portfolio_site.lib.idempotency import HEADER, LONGEST_KEY

IDEMPOTENCY_KEY = OpenApiParameter(
    HEADER,
    {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[A-Za-z0-9._:-]+$"},
    OpenApiParameter.HEADER,
    description="Of your own making. The same request again under it has no second effect for 24 hours.",
)

TOO_LONG = "The address has more than 8,190 bytes: the server in front says so, in HTML."


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
    """Adds the problem answers: 400 and 404 for every route, 401 where one has to be signed in, 429 where one may be
    too many, 409 where an `Idempotency-Key` may have been used for something else.

    A view whose rows may be in the wrong state for a change says so with `conflicts`. One with an `error_serializer`
    answers all of them in that shape, as plain JSON. One that is asked as a list is, with filters and pages, and
    answers something else, says so with `asked_as_list`.
    """

    def get_filter_backends(self) -> Any:
        told: Any = super().get_filter_backends
        return getattr(self.view, "filter_backends", ()) if self._is_asked_as_list() else told()

    def _get_pagination_parameters(self) -> Any:
        paginator: Any = getattr(self.view, "paginator", None) if self._is_asked_as_list() else None
        told: Any = super()._get_pagination_parameters
        return paginator.get_schema_operation_parameters(self.view) if paginator else told()

    def _is_asked_as_list(self) -> bool:
        return self.method == "GET" and bool(getattr(self.view, "asked_as_list", False))

    def get_override_parameters(self) -> Any:
        """`Idempotency-Key` for every POST of somebody who is signed in."""
        if self.method != "POST" or not self.view.get_authenticators() or not self.view.get_throttles():
            return []
        return [IDEMPOTENCY_KEY]

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> Any:
        bodies = super()._get_response_bodies(direction=direction)
        for status in self._problem_statuses():
            bodies.setdefault(str(status), self._problem(status, direction))
        if self.method == "GET":
            bodies.setdefault("414", {"description": TOO_LONG})
        return bodies

    def _problem_statuses(self) -> list[int]:
        signed_in = bool(self.view.get_authenticators()) or bool(getattr(self.view, "checks_credentials", False))
        limited = [429] if self.view.get_throttles() else []
        keyed = [409] if self.method == "POST" and limited and self.view.get_authenticators() else []
        keyed = [409] if getattr(self.view, "conflicts", False) and self.method != "GET" else keyed
        body = [415] if self.method in {"POST", "PUT", "PATCH"} else []
        return [400, *([401] if signed_in else []), 404, *keyed, *body, *limited]

    def _problem(self, status: int, direction: Literal["request", "response"]) -> dict[str, Any]:
        bodies: Any = self._get_response_for_code
        own_shape = getattr(self.view, "error_serializer", None)
        shape, media = (own_shape, "application/json") if own_shape else (ProblemSerializer, PROBLEM_JSON)
        return {
            **bodies(shape, str(status), [media], direction=direction),
            "description": TITLES[status],
        }
