"""Faults on demand: what tests ask to go wrong with the next calls of a path."""

import gzip
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

BOMB_BYTES: Final = 2**30
GARBAGE: Final = {
    "html": (b"<!doctype html><title>502 Bad Gateway</title><h1>Bad Gateway</h1>", "text/html"),
    "truncated": (b'{"accounts": [{"account_id": "abc', "application/json"),
    "nan": (b'{"accounts": NaN, "holdings": [], "securities": [], "request_id": "x"}', "application/json"),
    "huge": (b'{"accounts": [], "holdings": 1e400, "securities": [], "request_id": "x"}', "application/json"),
    "empty": (b"", "application/json"),
    "list": (b"[]", "application/json"),
}


@dataclass(slots=True, kw_only=True)
class Fault:
    """One fault. `path` is exact or `*`; `times` calls are hit; `item_id` narrows it to one item.

    `kind`: `error` (with `code`, `status`, `retry_after`), `delay` (with `seconds`), `hang`, `trickle` (a byte every
    `seconds`, without an end), `garbage` (with `form`, a key of GARBAGE), `bomb` (a gigabyte in a megabyte of gzip,
    with `status`), `number` (the first quantity in the answer becomes `form`), `empty_holdings`, `shift` (a row slips
    in between two pages), `drop_field` (with `field`, left out of the answer).
    """

    path: str = "*"
    kind: str = "error"
    times: int = 1
    item_id: str | None = None
    code: str = "INTERNAL_SERVER_ERROR"
    status: int | None = None
    retry_after: int | None = None
    seconds: float = 0.0
    form: str = "html"
    field: str = ""


@cache
def gzip_bomb() -> bytes:
    """JSON of a gigabyte of spaces, packed."""
    member = gzip.compress(b" " * 2**20)
    return gzip.compress(b"{") + member * (BOMB_BYTES // 2**20) + gzip.compress(b"}")


class Faults:
    """The faults that are waiting, in the order they were asked for."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def add(self, wanted: dict[str, Any]) -> Fault:
        """Raises TypeError for an option that does not exist."""
        fault = Fault(**wanted)
        self.waiting.append(fault)
        return fault

    def take(self, path: str, item_id: str | None) -> list[Fault]:
        """The faults that hit this call, each counted down."""
        hit = [fault for fault in self.waiting if _hits(fault, path, item_id)]
        for fault in hit:
            fault.times -= 1
        self.waiting = [fault for fault in self.waiting if fault.times > 0]
        return hit


def _hits(fault: Fault, path: str, item_id: str | None) -> bool:
    return fault.path in ("*", path) and fault.item_id in (None, item_id)
