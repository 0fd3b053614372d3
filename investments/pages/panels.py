"""Panels that fail alone: each is read in a savepoint, and what it last showed stands in where that goes wrong."""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from redis.exceptions import RedisError

from investments.pages.scope import Scope

logger = logging.getLogger(__name__)

KEPT_SECONDS = 24 * 3600
# Writing a page's panels down is an eighth of the work of showing it, and what was shown within a minute is as good.
KEPT_EVERY_SECONDS = 60
Content = TypeVar("Content")


@dataclass(frozen=True, slots=True)
class Panel(Generic[Content]):
    """`content` is what to draw: just read, or kept from `kept_at` when `failed`; None where nothing was kept."""

    content: Content | None
    failed: bool = False
    kept_at: datetime | None = None


def read_panel(
    name: str, load: Callable[[], Content], *, user_id: int, scope: Scope, variant: str = ""
) -> Panel[Content]:
    """What `load` returns, or when it fails what it returned before for the same user, accounts and variant.

    That is from the last minute, or of the last time that it was asked for.
    """
    key = _key(name, user_id, scope, variant)
    try:
        with transaction.atomic():
            content = load()
    except Exception:
        # Whatever it was, the other panels of the page are right and stay.
        logger.exception("panel failed name=%s user_id=%s", name, user_id)
        kept = _kept(key)
        return Panel(kept[0], failed=True, kept_at=kept[1]) if kept else Panel(None, failed=True)
    _keep(key, content)
    return Panel(content)


def _key(name: str, user_id: int, scope: Scope, variant: str) -> str:
    """Accounts are part of it: what was erased or disconnected is never shown again."""
    accounts = ",".join(map(str, scope.account_ids))
    digest = hashlib.sha256(f"{accounts} {scope.key} {variant}".encode()).hexdigest()
    return f"panel:{name}:{user_id}:{digest[:32]}"


def _keep(key: str, content: object) -> None:
    try:
        if cache.add(f"{key}:lately", True, KEPT_EVERY_SECONDS):
            cache.set(key, (content, timezone.now()), KEPT_SECONDS)
    except RedisError:
        logger.warning("panels are not kept: the cache cannot be reached")


def _kept(key: str) -> tuple[object, datetime] | None:
    try:
        return cache.get(key)  # type: ignore[no-any-return]
    except RedisError:
        return None
