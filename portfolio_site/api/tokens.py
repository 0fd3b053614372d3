"""Bearer tokens: fifteen minutes of access, renewed with a refresh token that works once."""

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework_simplejwt.views import TokenBlacklistView, TokenObtainPairView, TokenRefreshView

PAIR = {"refresh": "eyJhbGciOi...refresh", "access": "eyJhbGciOi...access"}
PAIR_EXAMPLE = OpenApiExample("A pair of tokens", value=PAIR, response_only=True, status_codes=["200"])
REFRESH_EXAMPLE = OpenApiExample("The refresh token", value={"refresh": PAIR["refresh"]}, request_only=True)


@extend_schema(
    tags=["auth"],
    summary="Sign in",
    examples=[
        OpenApiExample("Credentials", value={"email": "demo@example.com", "password": "secret"}, request_only=True),
        PAIR_EXAMPLE,
    ],
)
class ObtainTokenView(TokenObtainPairView):
    """An access and a refresh token for an e-mail address and password. Send `Authorization: Bearer <access>`."""


@extend_schema(tags=["auth"], summary="Renew the access token", examples=[REFRESH_EXAMPLE, PAIR_EXAMPLE])
class RefreshTokenView(TokenRefreshView):
    """A new pair; the refresh token used is worth nothing afterwards."""


@extend_schema(tags=["auth"], summary="Sign out", examples=[REFRESH_EXAMPLE])
class RevokeTokenView(TokenBlacklistView):
    """Ends a refresh token."""
