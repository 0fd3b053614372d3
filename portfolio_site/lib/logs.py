"""Logs: one line an event, JSON in production, with whom and what it is about, and never a secret.

Every line carries what is bound in its context (request_id, user_id, item_id, account_id, task_id); the context goes
with a request's tasks through the queue. What looks like a token, a key or an e-mail address is taken out of the
finished line, so that it does not matter how it got there: a message, an argument, a traceback.
"""

import logging
import random
import re
import zlib
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Final

import structlog
from structlog.contextvars import bind_contextvars, bound_contextvars, clear_contextvars, get_contextvars
from structlog.stdlib import ProcessorFormatter
from structlog.typing import Processor

REDACTED: Final = "[redacted]"
_NAMES = (
    "access[_-]?token|public[_-]?token|link[_-]?token|refresh[_-]?token|client[_-]?secret|secret[_-]?key|secret|"
    "password|authorization|api[_-]?key|(?:encryption|lookup)[_-]?keys|cookie|set-cookie|csrfmiddlewaretoken|sessionid"
)
_PATTERNS: Final = (
    (re.compile(r"\b(access|public|link|processor)-(sandbox|development|production)-[\w-]+"), rf"\1-{REDACTED}"),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {REDACTED}"),
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*"), REDACTED),
    # What opens a door is part of some addresses: a new password, a confirmed one.
    (re.compile(r"(/password/reset/key/|/confirm-email/)(?!\[redacted)[^/\s\"']+"), rf"\1{REDACTED}"),
    (re.compile(r"://[^/\s:@\"']+:[^/\s@\"']+@"), f"://{REDACTED}@"),
    (re.compile(r"\b[\w.%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"), REDACTED),
    # name=value, "name": "value", and the same inside of JSON in JSON
    (
        re.compile(rf"""\b({_NAMES})(\\*["']?\s*[:=]\s*\\*["']?)(?!\[redacted)[^\s"'\\,;&}}]+""", re.IGNORECASE),
        rf"\1\2{REDACTED}",
    ),
)
# Shorter than this a secret is a demo's, and would be found in half of all words.
_SHORTEST_SECRET = 12


def redact(line: str, secrets: Iterable[str] = ()) -> str:
    """The line without what looks like a token, a key, a password or an e-mail address, and without `secrets`."""
    for secret in secrets:
        line = line.replace(secret, REDACTED)
    for pattern, replacement in _PATTERNS:
        line = pattern.sub(replacement, line)
    return line


def bound(**about: Any) -> AbstractContextManager[None]:
    """Within the block, every line says what it is about."""
    return bound_contextvars(**about)


def bind(**about: Any) -> None:
    """From now on every line of this request or task says what it is about."""
    bind_contextvars(**about)


def clear() -> None:
    """Forget what was bound: the end of a request."""
    clear_contextvars()


class RedactingFormatter(ProcessorFormatter):
    """Renders a record and takes out of it what nobody may read."""

    def __init__(self, *args: Any, secrets: Iterable[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.secrets = tuple(secret for secret in secrets if len(secret) >= _SHORTEST_SECRET)

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record), self.secrets)


class Sampling(logging.Filter):
    """Lets through all warnings and errors, and a share of the rest: all lines of a request or task, or none."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno >= logging.WARNING or self.share >= 1:
            return True
        context = get_contextvars()
        about = context.get("request_id") or context.get("task_id")
        chance = zlib.crc32(str(about).encode()) / 2**32 if about else random.random()
        return chance < self.share


def formatter(*, as_json: bool, secrets: Iterable[str] = ()) -> RedactingFormatter:
    """Lines as JSON objects, or for a console; without `secrets` and without what looks like one."""
    finish: list[Processor] = [ProcessorFormatter.remove_processors_meta]
    if as_json:
        finish += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        # Never the variables of a traceback: writing out a queryset asks the database, within whatever failed there.
        plain = structlog.dev.plain_traceback
        finish.append(structlog.dev.ConsoleRenderer(colors=False, exception_formatter=plain))
    return RedactingFormatter(processors=finish, foreign_pre_chain=_before(), secrets=secrets)


def logging_config(*, as_json: bool, level: str, share: float, secrets: Iterable[str]) -> dict[str, Any]:
    """The LOGGING of the settings. `share`: of the lines below a warning that are kept, 0 to 1. `secrets`: literal."""
    quiet = {name: {"level": "WARNING"} for name in ("httpx", "urllib3", "uvicorn.access")}
    # These bring handlers of their own, which would neither redact nor say what a line is about.
    names = ("gunicorn.error", "uvicorn", "uvicorn.error", "django", "django.server")
    own = {name: {"handlers": [], "propagate": True} for name in names}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"sampling": {"()": Sampling, "share": share}},
        "formatters": {"line": {"()": formatter, "as_json": as_json, "secrets": list(secrets)}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["sampling"]}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {**quiet, **own},
    }


def configure_structlog() -> None:
    """Structlog's own loggers go the way of the standard library's."""
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *_before(), ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def secrets_of(settings: Mapping[str, Any]) -> list[str]:
    """The literal secrets among the settings: none of them may ever be in a line."""
    names = ("SECRET_KEY", "PLAID_SECRET", "PLAID_WEBHOOK_API_KEY")
    rings = f"{settings.get('ENCRYPTION_KEYS', '')},{settings.get('LOOKUP_KEYS', '')}"
    keys = [part.partition(":")[2].strip() for part in rings.split(",")]
    return [secret for secret in (*(str(settings.get(name, "")) for name in names), *keys) if secret]


def _before() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
