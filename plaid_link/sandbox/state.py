"""What the server remembers: items, tokens and Link sessions. Written to a file, whole, after every change."""

import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from .errors import PlaidError


@dataclass(slots=True, kw_only=True)
class Item:
    """One login at one institution. `config` is a custom user's JSON; times are ISO 8601 in UTC."""

    item_id: str
    access_token: str | None
    institution_id: str
    username: str
    config: dict[str, Any] | None
    products: list[str]
    webhook: str | None
    created_at: str
    linked_on: str
    client_user_id: str | None = None
    login_required: bool = False
    repaired: bool = False
    removed: bool = False
    revoked: bool = False
    consent_expires_at: str | None = None
    last_webhook: dict[str, str] | None = None
    ready_at: str | None = None  # when investments that were not asked for at the link will have been read

    @property
    def linked_day(self) -> date:
        return date.fromisoformat(self.linked_on)


@dataclass(slots=True, kw_only=True)
class LinkToken:
    """A Link token: the request that made it, the item it repairs (if any), and what came of it."""

    link_token: str
    request: dict[str, Any]
    created_at: str
    expires_at: str
    item_id: str | None = None
    sessions: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class PublicToken:
    public_token: str
    item_id: str
    expires_at: str
    exchanged: bool = False


class State:
    """The three tables. `path` None: in memory alone."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.items: dict[str, Item] = {}
        self.link_tokens: dict[str, LinkToken] = {}
        self.public_tokens: dict[str, PublicToken] = {}
        self.keys: list[dict[str, Any]] = []
        if path is not None and path.exists():
            self._load(json.loads(path.read_text()))

    def _load(self, stored: dict[str, Any]) -> None:
        self.items = {row["item_id"]: Item(**row) for row in stored["items"]}
        self.link_tokens = {row["link_token"]: LinkToken(**row) for row in stored["link_tokens"]}
        self.public_tokens = {row["public_token"]: PublicToken(**row) for row in stored["public_tokens"]}
        self.keys = stored["keys"]

    def save(self) -> None:
        """Replaces the file in one step, so that a kill leaves the old one or the new one."""
        if self.path is None:
            return
        stored = {
            "items": [asdict(item) for item in self.items.values()],
            "link_tokens": [asdict(token) for token in self.link_tokens.values()],
            "public_tokens": [asdict(token) for token in self.public_tokens.values()],
            "keys": self.keys,
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=self.path.name)
        with os.fdopen(handle, "w") as file:
            json.dump(stored, file)
        os.replace(name, self.path)

    def item_of(self, access_token: str) -> Item:
        """The item behind an access token. Raises PlaidError for a token that is unknown, removed or revoked."""
        for item in self._with_token(access_token):
            if item.removed:
                raise PlaidError("ITEM_NOT_FOUND")
            if item.revoked:
                raise PlaidError("USER_PERMISSION_REVOKED")
            return item
        raise PlaidError("INVALID_ACCESS_TOKEN")

    def _with_token(self, access_token: str) -> Iterator[Item]:
        return (item for item in self.items.values() if item.access_token == access_token)

    def item_of_public_token(self, public_token: str, now: datetime) -> Item:
        """The item to exchange for. Raises PlaidError for a token that is unknown, spent or expired."""
        found = self.public_tokens.get(public_token)
        if found is None or found.exchanged or datetime.fromisoformat(found.expires_at) <= now:
            raise PlaidError("INVALID_PUBLIC_TOKEN")
        return self.items[found.item_id]

    def link_token_of(self, link_token: str) -> LinkToken:
        """Raises PlaidError for an unknown token; an expired one is still described."""
        found = self.link_tokens.get(link_token)
        if found is None:
            raise PlaidError("INVALID_LINK_TOKEN")
        return found
