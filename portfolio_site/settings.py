"""One typed set of settings. Every value comes from the environment or a default that is safe for a laptop.

`LONGVIEW_ENV` is `development` (the default) or `production`; production refuses to start with demo secrets
(see `portfolio_site.checks`). The parts in `portfolio_site.conf` are settings like these.
"""

from datetime import timedelta
from typing import Any

from portfolio_site.conf.api import *  # noqa: F403
from portfolio_site.conf.api import TRUSTED_PROXIES
from portfolio_site.conf.engines import *  # noqa: F403
from portfolio_site.conf.environment import *  # noqa: F403
from portfolio_site.conf.environment import BASE_DIR, DEBUG, PRODUCTION, env
from portfolio_site.conf.product import *  # noqa: F403
from portfolio_site.lib.logs import configure_structlog, logging_config, secrets_of

ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]", "testserver"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

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
    "portfolio_site.showcase.ShowcaseMiddleware",
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
AXES_SENSITIVE_PARAMETERS = ["login", "email", "username", "code"]
AXES_LOCKOUT_CALLABLE = "portfolio_site.lib.lockout.answer"
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
EMAIL_BACKEND = env.str("EMAIL_BACKEND", default="django.core.mail.backends.console.EmailBackend")
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_SERIALIZER = "portfolio_site.lib.sealed_sessions.SealedSerializer"

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
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES

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
