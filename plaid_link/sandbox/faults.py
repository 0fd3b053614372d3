"""Faults on demand: what tests ask to go wrong with the next calls of a path."""

from dataclasses import dataclass
from typing import Any, Final

GARBAGE: Final = {
    "html": (b"<!doctype html><title>502 Bad Gateway</title><h1>Bad Gateway</h1>", "text/html"),
    "truncated": (b'{"accounts": [{"account_id": "abc', "application/json"),
    "nan": (b'{"accounts": NaN, "holdings": [], "securities": [], "request_id": "x"}', "application/json"),
    "huge": (b'{"accounts": [], "holdings": 1e400, "securities": [], "request_id": "x"}', "application/json"),
    "empty": (b"", "application/json"),
}


@dataclass(slots=True, kw_only=True)
class Fault:
    """One fault. `path` is exact or `*`; `times` calls are hit; `item_id` narrows it to one item.

    `kind`: `error` (with `code`, `status`, `retry_after`), `delay` (with `seconds`), `hang`, `garbage` (with `form`, a
    key of GARBAGE), `empty_holdings`, `shift` (a row slips in between two pages), `drop_field` (with `field`, left out
    of the answer).
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
