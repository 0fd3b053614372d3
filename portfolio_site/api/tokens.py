"""Bearer tokens: fifteen minutes of access, renewed with a refresh token that works once."""

from typing import Any

from django.contrib.auth.signals import user_login_failed
from django.db import transaction
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer, TokenObtainSerializer
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken
from rest_framework_simplejwt.tokens import UntypedToken
from rest_framework_simplejwt.views import TokenBlacklistView, TokenObtainPairView, TokenRefreshView

from portfolio_site.lib import lockout, ratelimit, second_factor
from portfolio_site.lib.blind_index import pseudonym
from portfolio_site.lib.texts import Text

# Of one person, from wherever: somebody with many addresses is not locked out by any of them.
SIGN_INS_PER_MINUTE = 10
PAIR = {"refresh": "eyJhbGciOi...refresh", "access": "eyJhbGciOi...access"}
PAIR_EXAMPLE = OpenApiExample("A pair of tokens", value=PAIR, response_only=True, status_codes=["200"])
REFRESH_EXAMPLE = OpenApiExample("The refresh token", value={"refresh": PAIR["refresh"]}, request_only=True)


class CodeNeeded(exceptions.AuthenticationFailed):
    default_detail = "The password is right. Send a code of your authenticator as `code`, too."


class WrongCode(exceptions.AuthenticationFailed):
    default_detail = "This code is not valid, or was used before."


class ObtainTokenSerializer(TokenObtainPairSerializer):
    code = Text(
        required=False,
        max_length=20,
        write_only=True,
        help_text="Of your authenticator, or a recovery code; where you have set up a second factor.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        code = attrs.pop("code", "")
        TokenObtainSerializer.validate(self, attrs)
        self._check(code)
        refresh = self.get_token(self.user)  # type: ignore[type-var]
        return {"refresh": str(refresh), "access": str(refresh.access_token)}

    def _check(self, code: str) -> None:
        if not second_factor.is_needed(self.user):
            return
        if not code:
            raise CodeNeeded
        if not second_factor.accepts(self.user, code):
            credentials = {"email": self.user.email}  # type: ignore[union-attr]
            user_login_failed.send(sender=__name__, credentials=credentials, request=self.context["request"])
            raise WrongCode


@extend_schema(
    tags=["auth"],
    summary="Sign in",
    examples=[
        OpenApiExample("Credentials", value={"email": "demo@example.com", "password": "secret"}, request_only=True),
        PAIR_EXAMPLE,
    ],
)
class ObtainTokenView(TokenObtainPairView):
    """An access and a refresh token for an e-mail address and password. Send `Authorization: Bearer <access>`.

    After too many failures nothing is heard for a while: 429 with `Retry-After`.
    """

    checks_credentials = True
    _serializer_class = "portfolio_site.api.tokens.ObtainTokenSerializer"

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        email = request.data.get("email", "") if isinstance(request.data, dict) else ""
        wait = ratelimit.enter("sign-in", pseudonym(str(email)[:254]), per_minute=SIGN_INS_PER_MINUTE)
        if email and wait:
            raise exceptions.Throttled(wait)
        try:
            return super().post(request, *args, **kwargs)
        except exceptions.AuthenticationFailed:
            if getattr(request, "axes_locked_out", False) or getattr(request._request, "axes_locked_out", False):
                raise exceptions.Throttled(lockout.seconds(), detail=lockout.LOCKED) from None
            raise


@extend_schema(tags=["auth"], summary="Renew the access token", examples=[REFRESH_EXAMPLE, PAIR_EXAMPLE])
class RefreshTokenView(TokenRefreshView):
    """A new pair; the refresh token used is worth nothing afterwards."""

    checks_credentials = True

    @transaction.atomic
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        # One at a time, or two of the same moment would both find it unused.
        given = request.data.get("refresh") if isinstance(request.data, dict) else None
        list(OutstandingToken.objects.select_for_update().filter(jti=_jti(given)))
        return super().post(request, *args, **kwargs)


def _jti(token: Any) -> str:
    try:
        return str(UntypedToken(token)["jti"]) if isinstance(token, str) else ""
    except (TokenError, KeyError):
        return ""


@extend_schema(tags=["auth"], summary="Sign out", examples=[REFRESH_EXAMPLE])
class RevokeTokenView(TokenBlacklistView):
    """Ends a refresh token."""

    checks_credentials = True
