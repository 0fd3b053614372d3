"""One typed settings file. Every value comes from the environment or a default that is safe for a laptop.

`LONGVIEW_ENV` is `development` (the default) or `production`; production refuses to start with demo secrets
(see `portfolio_site.checks`).
"""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import environ

from portfolio_site.lib.embedded.redis import celery_url, database_of

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
    "django_celery_beat",
    "django_filters",
    "django_htmx",
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
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portfolio_site.middleware.TenantMiddleware",
    "portfolio_site.middleware.TimeZoneMiddleware",
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
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
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
EMAIL_BACKEND = env.str("EMAIL_BACKEND", default="django.core.mail.backends.console.EmailBackend")
SESSION_ENGINE = "django.contrib.sessions.backends.db"

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

# --- API ----------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "portfolio_site.lib.authentication.TenantJWTAuthentication",
        "portfolio_site.lib.authentication.TenantSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "portfolio_site.lib.pagination.SignedCursorPagination",
    "DEFAULT_SCHEMA_CLASS": "portfolio_site.lib.openapi.ProblemSchema",
    "EXCEPTION_HANDLER": "portfolio_site.lib.errors.problem_handler",
    "COERCE_DECIMAL_TO_STRING": True,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
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

# Comma-separated `key-id:base64-of-32-bytes`; the first encrypts, all of them decrypt.
DEMO_ENCRYPTION_KEYS = "demo:ZGVtby1vbmx5LWtleS1wcm9kdWN0aW9uLXJlZnVzZXM="
ENCRYPTION_KEYS: str = env.str("ENCRYPTION_KEYS", default=DEMO_ENCRYPTION_KEYS)

# --- Market data --------------------------------------------------------------------------------------------------
MARKET_DATA_PROVIDERS: list[str] = env.list("MARKET_DATA_PROVIDERS", default=["simulated"])
HISTORY_DAYS = 730

# --- Logs ---------------------------------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "httpx": {"level": "WARNING"},
        "urllib3": {"level": "WARNING"},
        "psycopg.pool": {"level": "WARNING"},
    },
}
