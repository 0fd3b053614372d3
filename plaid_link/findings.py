"""What was odd about an answer, in few words: for operators on the run, for the user on the connection's card."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from investments.entries import Finding, HoldingEntry, SecurityEntry

REPAIRED, MISSING = "repaired", "missing"
LABELS = {
    "refused": "Left out",
    "ignored": "Not used",
    "held_back": "Waiting",
    REPAIRED: "Put right",
    MISSING: "Not told",
}
SHOWN = 8


@dataclass(frozen=True, slots=True)
class Note:
    """A finding as its user reads it: no ids, and once however often it was found."""

    label: str
    text: str
    count: int


def of_holdings(
    entries: Iterable[HoldingEntry], securities: Mapping[str, SecurityEntry], *, refused: Iterable[Finding]
) -> list[Finding]:
    """What was put right in the holdings that were not refused, and of how many nobody knows what they cost."""
    left_out = {finding.row for finding in refused}
    rows = [entry for entry in entries if f"holding {_name(entry)}" not in left_out]
    repaired = {_name(row): repairs for row in rows if (repairs := _repairs(row))}
    costless = [row for row in rows if row.cost_basis is None and not _is_cash(row, securities)]
    return [*_grouped("holding", repaired), *_costless(costless)]


def of_transactions(repairs: Mapping[str, Sequence[str]]) -> list[Finding]:
    """What was put right in transactions, by their external ids."""
    return _grouped("transaction", repairs)


def notes(findings: Iterable[Mapping[str, Any]]) -> tuple[Note, ...]:
    """The findings of a run for the user, the most serious first, equal ones counted."""
    told = Counter((LABELS.get(found["kind"], "Note"), _sentence(found)) for found in findings)
    order = list(LABELS.values())
    ranked = sorted(told.items(), key=lambda item: order.index(item[0][0]) if item[0][0] in order else len(order))
    return tuple(Note(label, text, count) for (label, text), count in ranked[:SHOWN])


def _sentence(found: Mapping[str, Any]) -> str:
    """Rows are named by kind only: `transaction`, not its id."""
    kind = str(found.get("row", "")).split(" ")[0] if " " in str(found.get("row", "")) else ""
    return f"{kind.capitalize()}: {found['message']}" if kind else str(found["message"])


def _grouped(kind: str, repairs: Mapping[str, Sequence[str]]) -> list[Finding]:
    """One finding for each field that was put right, with an example and how many more there are."""
    examples: dict[str, tuple[str, str]] = {}
    counts: Counter[str] = Counter()
    for name, messages in repairs.items():
        for message in messages:
            field = message.split(":")[0]
            counts[field] += 1
            examples.setdefault(field, (name, message))
    return [_with_count(kind, field, *examples[field], counts[field]) for field in sorted(counts)]


def _with_count(kind: str, field: str, name: str, message: str, count: int) -> Finding:
    more = f", and {count - 1} more" if count > 1 else ""
    return Finding(REPAIRED, f"{message}{more}", row=f"{kind} {name}", field=field)


def _repairs(row: HoldingEntry) -> list[str]:
    filled = [f"{field}: {told}" for field, told in row.source_metadata.items() if field.startswith("institution_")]
    return [*row.source_metadata.get("repairs", []), *filled]


def _costless(rows: Sequence[HoldingEntry]) -> list[Finding]:
    if not rows:
        return []
    count = f"{len(rows)} holding{'s' if len(rows) > 1 else ''}"
    message = f"No cost basis for {count}: what they gained is not known"
    return [Finding(MISSING, message, row=f"holding {_name(rows[0])}", field="cost_basis")]


def _name(row: HoldingEntry) -> str:
    return f"{row.account_external_id}/{row.security_external_id}"


def _is_cash(row: HoldingEntry, securities: Mapping[str, SecurityEntry]) -> bool:
    security = securities.get(row.security_external_id)
    return security is not None and security.is_cash
