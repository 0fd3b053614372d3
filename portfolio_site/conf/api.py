"""The HTTP API: who may call it from where, how often, and how it describes itself."""

from datetime import timedelta

from corsheaders.defaults import default_headers

from portfolio_site.conf.environment import PRODUCTION, SECRET_KEY, env

# Proxies in front of us, whose word about the caller's address is taken.
TRUSTED_PROXIES: int = env.int("TRUSTED_PROXIES", default=1 if PRODUCTION else 0)
# Front ends of other origins that may call the API with a bearer token; cookies are never taken from them.
CORS_ALLOWED_ORIGINS: list[str] = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = [*default_headers, "idempotency-key", "if-match", "if-none-match"]
CORS_EXPOSE_HEADERS = ["etag", "retry-after", "x-request-id", "idempotent-replayed"]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "portfolio_site.lib.authentication.TenantJWTAuthentication",
        "portfolio_site.lib.authentication.TenantSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["portfolio_site.lib.queries.StrictFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "portfolio_site.lib.pagination.SignedCursorPagination",
    "DEFAULT_THROTTLE_CLASSES": [
        "portfolio_site.lib.throttling.PerMinute",
        "portfolio_site.lib.idempotency.OnceByKey",
    ],
    "NUM_PROXIES": TRUSTED_PROXIES,
    "DEFAULT_SCHEMA_CLASS": "portfolio_site.lib.openapi.ProblemSchema",
    "EXCEPTION_HANDLER": "portfolio_site.lib.errors.problem_handler",
    "COERCE_DECIMAL_TO_STRING": True,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
# Of one user, or of one address where nobody is signed in; 0: no limit. Bulk: routes that answer for many at once.
API_REQUESTS_PER_MINUTE: int = env.int("API_REQUESTS_PER_MINUTE", default=100)
API_BULK_REQUESTS_PER_MINUTE: int = env.int("API_BULK_REQUESTS_PER_MINUTE", default=20)
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=15),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=14),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "SIGNING_KEY": SECRET_KEY,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Longview API",
    "DESCRIPTION": "Your investments across every brokerage, with their whole history. "
    "Informational only, not investment advice.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "IncomePreferenceEnum": "investments.models.Account.IncomePreference",
        "SourceEnum": "investments.models.Security.Source",
        "LivenessEnum": ["ok"],
        "SuccessEnum": ["success"],
        "ReadinessEnum": ["ready", "degraded", "unavailable"],
    },
}
