"""PostgreSQL, Redis and the queues: given by URL, else started on demand."""

from pathlib import Path
from typing import Any

from portfolio_site.conf.environment import BASE_DIR, env
from portfolio_site.lib.embedded.redis import celery_url, database_of

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
# 0: one connection per request.
CONNECTION_SECONDS: int = env.int("DATABASE_CONNECTION_SECONDS", default=60)


def _database(role: str) -> dict[str, Any]:
    own_url = {"web": "DATABASE_WEB_URL", "worker": "DATABASE_WORKER_URL"}.get(role, "")
    given = env.str(own_url, default="") if own_url else ""
    config: dict[str, Any] = dict(env.db_url_config(given or DATABASE_URL))
    config["ENGINE"] = "portfolio_site.lib.postgresql"
    options: dict[str, Any] = dict(config.get("OPTIONS", {}))
    options["prepare_threshold"] = None  # survives PgBouncer in transaction mode
    options.setdefault("connect_timeout", 10)
    if not given:
        # Compiling a plan takes a hundred times longer than the chart's query it is for.
        options["options"] = "-c jit=off"
    if role in ("web", "worker") and not given:
        options["options"] += f" -c role={WEB_ROLE if role == 'web' else WORKER_ROLE}"
    config["OPTIONS"] = options
    config["DISABLE_SERVER_SIDE_CURSORS"] = True
    # Each thread of a web process and each process of a worker keeps the connection that it has.
    config["CONN_MAX_AGE"] = CONNECTION_SECONDS if role in ("web", "worker") else 0
    # Or each connection that a restart of the database has ended would fail one more request.
    config["CONN_HEALTH_CHECKS"] = True
    config["TEST"] = {"NAME": env.str("TEST_DATABASE_NAME", default=None)}
    return config


DATABASES = {"default": _database(ROLE)}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        # A cache that is slow is a cache that is down: no request waits for a frozen Redis.
        "OPTIONS": {"socket_timeout": 0.5, "socket_connect_timeout": 0.5},
    }
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
