"""One typed settings file. Every value comes from the environment or a default that is safe for a laptop.

`LONGVIEW_ENV` is `development` (the default) or `production`; production refuses to start with demo secrets
(see `portfolio_site.checks`).
"""

import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import environ
from corsheaders.defaults import default_headers

from portfolio_site.lib.embedded.redis import celery_url, database_of
from portfolio_site.lib.logs import configure_structlog, logging_config, secrets_of

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
env.read_env(BASE_DIR / ".env", overwrite=False)

ENVIRONMENT: str = env.str("LONGVIEW_ENV", default="development")
PRODUCTION = ENVIRONMENT == "production"
TESTING = "pytest" in sys.modules
DEBUG: bool = env.bool("DEBUG", default=False)

DEMO_SECRET = "demo-only-secret-that-production-refuses-to-start-with"
SECRET_KEY: str = env.str("SECRET_KEY", default=DEMO_SECRET)
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]", "testserver"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# --- Engines ------------------------------------------------------------------------------------------------------
VAR_DIR = Path(env.str("LONGVIEW_VAR", default=str(BASE_DIR / "var")))
REFERENCE_DATA = Path(env.str("LONGVIEW_REFERENCE_DATA", default=str(BASE_DIR.parent / "shared")))


def _engine_urls() -> tuple[str, str]:
    """The given PostgreSQL and Redis, else our own, started on demand under `var/`."""
    database, redis_url = env.str("DATABASE_URL", default=""), env.str("REDIS_URL", default="")
    if not database or not redis_url:
        from portfolio_site.lib.embedded import postgres, redis

        database = database or postgres.ensure_running(VAR_DIR)
        redis_url = redis_url or redis.ensure_running(VAR_DIR)
    return database, redis_url


DATABASE_URL, REDIS_URL = _engine_urls()

# Which database role this process plays: the owner migrates, `web` is under row security, `worker` bypasses it.
ROLE: str = env.str("LONGVIEW_ROLE", default="owner")
WEB_ROLE = "longview_web"
WORKER_ROLE = "longview_worker"


def _database(role: str) -> dict[str, Any]:
    own_url = {"web": "DATABASE_WEB_URL", "worker": "DATABASE_WORKER_URL"}.get(role, "")
    given = env.str(own_url, default="") if own_url else ""
    config: dict[str, Any] = dict(env.db_url_config(given or DATABASE_URL))
    options: dict[str, Any] = dict(config.get("OPTIONS", {}))
    options["prepare_threshold"] = None  # survives PgBouncer in transaction mode
    options.setdefault("connect_timeout", 10)
    if not given:
        # Compiling a plan takes a hundred times longer than the chart's query it is for.
        options["options"] = "-c jit=off"
    if role in ("web", "worker") and not given:
        options["options"] += f" -c role={WEB_ROLE if role == 'web' else WORKER_ROLE}"
    if role == "web":
        options["pool"] = {
            "min_size": 1,
            "max_size": env.int("DATABASE_POOL_SIZE", default=16),
            "timeout": 10,
        }
    config["OPTIONS"] = options
    config["DISABLE_SERVER_SIDE_CURSORS"] = True
    config["CONN_MAX_AGE"] = 60 if role == "worker" else 0
    # Or each connection that a restart of the database has ended would fail one more request.
    config["CONN_HEALTH_CHECKS"] = True
    config["TEST"] = {"NAME": env.str("TEST_DATABASE_NAME", default=None)}
    return config


DATABASES = {"default": _database(ROLE)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        # A cache that is slow is a cache that is down: no request waits for a frozen Redis.
        "OPTIONS": {"socket_timeout": 0.5, "socket_connect_timeout": 0.5},
    }
}

# --- Applications -------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "portfolio_site",
    "investments",
    "plaid_link",
    "history",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "axes",
    "corsheaders",
    "django_celery_beat",
    "django_filters",
    "django_htmx",
    "django_structlog",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "pgtrigger",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "portfolio_site.middleware.ContentSecurityPolicyMiddleware",
    "django.middleware.gzip.GZipMiddleware",  # around static files too
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portfolio_site.middleware.RequestIdMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",  # around the transaction: what it answers must not undo what it has counted
    "portfolio_site.middleware.TenantMiddleware",
    "portfolio_site.middleware.TimeZoneMiddleware",
    "portfolio_site.middleware.TermsMiddleware",
    "portfolio_site.lib.idempotency.IdempotencyMiddleware",
]
ROOT_URLCONF = "portfolio_site.urls"
WSGI_APPLICATION = "portfolio_site.wsgi.application"
ASGI_APPLICATION = "portfolio_site.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portfolio_site.pages.shell.shell",
            ],
        },
    }
]

# --- People -------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "portfolio_site.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_FORMS = {
    "login": "portfolio_site.pages.entrance.SignInForm",
    "signup": "portfolio_site.pages.entrance.SignUpForm",
}
ACCOUNT_EMAIL_VERIFICATION = env.str("ACCOUNT_EMAIL_VERIFICATION", default="none")
ACCOUNT_LOGOUT_ON_GET = False
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_SIGNUP_REDIRECT_URL = "/onboarding/"
MFA_ADAPTER = "portfolio_site.lib.second_factor.Adapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Longview"
MFA_ALLOW_UNVERIFIED_EMAIL = ACCOUNT_EMAIL_VERIFICATION == "none"
# Failed sign-ins of one person from one address, and how long no more are heard.
AXES_FAILURE_LIMIT: int = env.int("SIGN_IN_FAILURES", default=5)
AXES_COOLOFF_TIME = timedelta(minutes=env.int("SIGN_IN_LOCKED_MINUTES", default=15))
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_CALLABLE = "portfolio_site.lib.lockout.username"
AXES_CLIENT_IP_CALLABLE = "portfolio_site.lib.lockout.address"
AXES_LOCKOUT_CALLABLE = "portfolio_site.lib.lockout.answer"
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
EMAIL_BACKEND = env.str("EMAIL_BACKEND", default="django.core.mail.backends.console.EmailBackend")
SESSION_ENGINE = "django.contrib.sessions.backends.db"

# Raised with every change of what templates/portfolio_site/terms.html says: everybody is asked again.
TERMS_VERSION = "2026-11"

# --- Language, time, static files ---------------------------------------------------------------------------------
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
MARKET_TIME_ZONE = "America/New_York"
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
NODE_MODULES = BASE_DIR / "node_modules"
STATICFILES_DIRS: list[Any] = [BASE_DIR / "static"]
if (ECHARTS := NODE_MODULES / "echarts" / "dist").is_dir():
    STATICFILES_DIRS.append(("vendor/echarts", ECHARTS))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
            if PRODUCTION
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_AUTOREFRESH = DEBUG

# --- Web hardening ------------------------------------------------------------------------------------------------
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=PRODUCTION)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PRODUCTION else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# Proxies in front of us, whose word about the caller's address is taken.
TRUSTED_PROXIES: int = env.int("TRUSTED_PROXIES", default=1 if PRODUCTION else 0)
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES
# Front ends of other origins that may call the API with a bearer token; cookies are never taken from them.
CORS_ALLOWED_ORIGINS: list[str] = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = [*default_headers, "idempotency-key", "if-match", "if-none-match"]
CORS_EXPOSE_HEADERS = ["etag", "retry-after", "x-request-id", "idempotent-replayed"]

# --- API ----------------------------------------------------------------------------------------------------------
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

# --- Celery -------------------------------------------------------------------------------------------------------
# The next database of the same Redis: clearing the cache must not clear the queues.
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="") or celery_url(REDIS_URL, database_of(REDIS_URL) + 1)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_TIME_LIMIT = 900
CELERY_TASK_SOFT_TIME_LIMIT = 840
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # Longer than the longest task, or Redis hands a running task to a second worker.
    "visibility_timeout": env.int("CELERY_VISIBILITY_TIMEOUT", default=1800),
    "socket_timeout": 10,
    "socket_connect_timeout": 5,
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

# --- Plaid --------------------------------------------------------------------------------------------------------
PLAID_HOST: str = env.str("PLAID_HOST", default="http://127.0.0.1:8700")
PLAID_CLIENT_ID: str = env.str("PLAID_CLIENT_ID", default="sandbox")
PLAID_SECRET: str = env.str("PLAID_SECRET", default="sandbox")
PLAID_TIMEOUT_SECONDS: float = env.float("PLAID_TIMEOUT_SECONDS", default=20.0)
# Heeds Plaid's limits per item before Plaid has to.
PLAID_RATE_LIMITED: bool = env.bool("PLAID_RATE_LIMITED", default=True)
PLAID_WEBHOOK_URL: str = env.str("PLAID_WEBHOOK_URL", default="")
# Heeded with DEBUG only: elsewhere every webhook is verified.
PLAID_WEBHOOK_VERIFY: bool = env.bool("PLAID_WEBHOOK_VERIFY", default=True)
PLAID_WEBHOOK_API_KEY: str = env.str("PLAID_WEBHOOK_API_KEY", default="")
# The Link script: Plaid's own, or the one of the local Plaid server when PLAID_HOST points there.
PLAID_LINK_SCRIPT_URL: str = env.str(
    "PLAID_LINK_SCRIPT_URL",
    default=(
        "https://cdn.plaid.com/link/v2/stable/link-initialize.js"
        if PLAID_HOST.endswith("plaid.com")
        else f"{PLAID_HOST}/link/v2/stable/link-initialize.js"
    ),
)
SYNC_WINDOW_DAYS = 730

# --- Imported files -----------------------------------------------------------------------------------------------
IMPORT_MAX_BYTES: int = env.int("IMPORT_MAX_BYTES", default=25_000_000)
IMPORT_MAX_ROWS: int = env.int("IMPORT_MAX_ROWS", default=250_000)

# Comma-separated `key-id:base64-of-32-bytes`; the first encrypts, all of them decrypt.
DEMO_ENCRYPTION_KEYS = "demo:ZGVtby1vbmx5LWtleS1wcm9kdWN0aW9uLXJlZnVzZXM="
ENCRYPTION_KEYS: str = env.str("ENCRYPTION_KEYS", default=DEMO_ENCRYPTION_KEYS)

# --- Market data --------------------------------------------------------------------------------------------------
MARKET_DATA_PROVIDERS: list[str] = env.list("MARKET_DATA_PROVIDERS", default=["simulated"])
# How each provider on the network is reached, and how often a minute at most.
MARKET_DATA_ACCESS: dict[str, dict[str, Any]] = {
    name: {
        "url": env.str(f"{name.upper()}_URL", default=url),
        "key": env.str(f"{name.upper()}_KEY", default=""),
        "timeout": env.float(f"{name.upper()}_TIMEOUT_SECONDS", default=10.0),
        "per_minute": env.int(f"{name.upper()}_CALLS_PER_MINUTE", default=per_minute),
        "price_per_call": env.str(f"{name.upper()}_PRICE_PER_CALL", default="0"),
    }
    for name, url, per_minute in (
        ("fmp", "https://financialmodelingprep.com", 250),
        ("yahoo", "https://query1.finance.yahoo.com", 60),
        ("alphavantage", "https://www.alphavantage.co", 5),
    )
}
# US dollars a day; beyond them backfills wait for tomorrow and only the nightly run goes on. Unset: no limit.
PROVIDER_DAILY_BUDGET: Decimal | None = Decimal(env.str("PROVIDER_DAILY_BUDGET", default="0")) or None
# Waits before a question that failed is asked again; each is multiplied by a random factor from 0.5 to 1.5.
PROVIDER_RETRY_SECONDS: list[float] = [float(text) for text in env.list("PROVIDER_RETRY_SECONDS", default=[1, 2, 4])]
HISTORY_DAYS = 730
# Accounts that the nightly snapshot closes in one task and one transaction.
SNAPSHOT_SHARD_ACCOUNTS: int = env.int("SNAPSHOT_SHARD_ACCOUNTS", default=50_000)
# Years after this one for which partitions are kept ready.
PARTITION_YEARS_AHEAD: int = env.int("PARTITION_YEARS_AHEAD", default=2)

# --- Retention: days that finished work is kept, -1 for good; daily history is kept for good anyway ------------------
KEEP_WEBHOOK_DAYS: int = env.int("KEEP_WEBHOOK_DAYS", default=365)
KEEP_JOBS_DAYS: int = env.int("KEEP_JOBS_DAYS", default=90)
KEEP_SNAPSHOT_SHARDS_DAYS: int = env.int("KEEP_SNAPSHOT_SHARDS_DAYS", default=90)
KEEP_MINUTES_DAYS: int = env.int("KEEP_MINUTES_DAYS", default=365)

# Bearer token with which Prometheus reads /metrics; without one only staff may.
METRICS_TOKEN: str = env.str("METRICS_TOKEN", default="")
# An empty directory that web processes behind one address share, so that each tells the latencies of all.
METRICS_DIRECTORY: str = env.str("PROMETHEUS_MULTIPROC_DIR", default="")

# --- Logs ---------------------------------------------------------------------------------------------------------
# Of requests and tasks that went well this share is logged; warnings and errors always are.
LOG_SHARE: float = env.float("LOG_SHARE", default=0.01 if PRODUCTION else 1.0)
LOGGING = logging_config(
    as_json=env.bool("LOG_JSON", default=PRODUCTION),
    level=env.str("LOG_LEVEL", default="INFO"),
    share=LOG_SHARE,
    secrets=secrets_of(globals()),
)
LOG_SECRETS = secrets_of(globals())
configure_structlog()

# --- Telemetry: nothing leaves unless these name a receiver (requirements-telemetry.txt) -----------------------------
SENTRY_DSN: str = env.str("SENTRY_DSN", default="")
OTLP_URL: str = env.str("OTEL_EXPORTER_OTLP_ENDPOINT", default="")
DJANGO_STRUCTLOG_CELERY_ENABLED = True
