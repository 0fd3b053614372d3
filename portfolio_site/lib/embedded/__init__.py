"""PostgreSQL and Redis from Python wheels: the engines of production without Docker, apt or a port.

    from portfolio_site.lib.embedded import postgres, redis
    database_url = postgres.ensure_running(Path("var"))
    redis_url = redis.ensure_running(Path("var"))

Both listen on a Unix socket in a directory that only their operating-system user can enter, so they need no password
and two checkouts never meet. Both outlive the process that started them; `stop` ends them and keeps their data.
`python -m portfolio_site.lib.embedded start|stop|status|erase` does the same from a shell.
"""

from portfolio_site.lib.embedded.errors import EngineError

__all__ = ["EngineError"]
