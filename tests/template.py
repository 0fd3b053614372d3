"""A database that all migrations have run in, made once and copied for whoever needs a migrated one."""

import hashlib
from pathlib import Path
from typing import Final

import psycopg
from django.conf import settings
from django.db import connections
from psycopg import sql

CHECKOUT: Final = Path(__file__).resolve().parents[1]
PREFIX: Final = "longview_test_template_"
# Whatever a migration is made of: itself, what it imports, and the packages that bring migrations of their own.
MADE_OF: Final = ("*/migrations/*.py", "*/lib/*.py", "*/models/*.py", "requirements.txt")
LOCK: Final = 7_316_548_201  # any number that nobody else locks with


def migrated_template() -> str:
    """The name of the template on the tests' server. Who comes first makes it; others wait. Older ones are dropped."""
    name = f"{PREFIX}{_fingerprint()}"
    with psycopg.connect(settings.DATABASE_URL, autocommit=True, connect_timeout=10) as server:
        server.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        found = server.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX])
        known = [row[0] for row in found]
        if name not in known:
            for old in known:
                server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(old)))
            making = f"{PREFIX}unfinished"
            _migrate(making)
            server.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*map(sql.Identifier, (making, name))))
    return name


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for pattern in MADE_OF:
        for path in sorted(CHECKOUT.glob(pattern)):
            digest.update(str(path.relative_to(CHECKOUT)).encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _migrate(name: str) -> None:
    """Create the database as Django creates one for tests, and leave it, with no connection to it."""
    connection = connections["default"]
    tests = connection.settings_dict["TEST"]
    asked, own = tests["NAME"], connection.settings_dict["NAME"]
    tests["NAME"] = name
    try:
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    finally:
        connection.close()
        connection.close_pool()
        tests["NAME"] = asked
        connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = own
