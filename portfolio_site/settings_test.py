"""Settings under pytest: the project's own, on engines that no other session and no demo uses.

`DATABASE_URL` and `REDIS_URL` are honoured. Without them the session gets a PostgreSQL and a Redis of its own under
`var/test-<n>/`, without fsync, and stops them when it ends. Under xdist the first process does that for all.
"""

import os
from pathlib import Path

import environ

from portfolio_site.lib.embedded import claims, postgres, redis

CHECKOUT = Path(__file__).resolve().parent.parent
CACHE_AND_BROKER = 2  # Redis databases that each process of the session has to itself

environ.Env.read_env(CHECKOUT / ".env", overwrite=False)


def _give_session_its_engines() -> None:
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None:
        var = claims.claim(Path(os.environ.get("LONGVIEW_VAR", CHECKOUT / "var")))
        os.environ["LONGVIEW_VAR"] = str(var)
        os.environ["DATABASE_URL"] = os.environ.get("DATABASE_URL") or postgres.ensure_running(var, durable=False)
        os.environ["REDIS_URL"] = os.environ.get("REDIS_URL") or redis.ensure_running(var, durable=False)
    number = int(worker.removeprefix("gw")) + 1 if worker else 0
    os.environ["REDIS_URL"] = redis.with_database(os.environ["REDIS_URL"], 2 + CACHE_AND_BROKER * (number % 7))


_give_session_its_engines()

from portfolio_site.settings import *  # noqa: E402, F403

# Tests sync one item as often as they like; those about the limits switch them on.
PLAID_RATE_LIMITED = False

# Every test makes people, and Argon2 is slow on purpose: 0.35 s of processor time for each.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *PASSWORD_HASHERS]  # noqa: F405
# And ask the API as often, also of processes that they start.
API_REQUESTS_PER_MINUTE = API_BULK_REQUESTS_PER_MINUTE = 0
os.environ |= {"API_REQUESTS_PER_MINUTE": "0", "API_BULK_REQUESTS_PER_MINUTE": "0"}
# Every client of a test would list all static files anew.
WHITENOISE_AUTOREFRESH = True
