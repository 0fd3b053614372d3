"""A file into lines to look at: read, named, compared with what is recorded. Writes nothing but the batch itself."""

import hashlib
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Any, Final

import orjson
from django.conf import settings
from django.db import transaction
from django.db.models import Min
from django.utils import timezone

from investments.ledger.derived import SELF_KEPT
from investments.models import Account, Transaction
from plaid_link.imports import lines as wire
from plaid_link.imports.models import LINES_PER_CHUNK, ImportBatch, ImportChunk, ImportMapping
from plaid_link.imports.securities import ASKED, LEFT_OUT, Meant, resolve
from plaid_link.imports.survey import Survey, warnings
from plaid_link.models import SyncRun
from plaid_link.sources import csv, ofx
from plaid_link.sources.csv import Instrument, Line, Options, Reading, Refusal, Unreadable
from plaid_link.sources.csv.layouts.base import CHOSEN_OUT
from portfolio_site.lib import rls
from portfolio_site.lib.sessions import NEW_YORK

SOURCE: Final = "csv"
State = ImportBatch.State
Report = Callable[[str, float], None]
SHOWN_REFUSALS: Final = 500
COVERED: Final = "Your connection tells of this day already"
REPORT_EVERY: Final = 10  # chunks
# In an account whose cash nobody tells of, trades are paid from outside and paid out.
OUTSIDE: Final = {("buy", "buy"): "contribution", ("sell", "sell"): "distribution"}
_REMEMBERED: Final = ("columns", "date_order", "decimal", "actions")


@dataclass(slots=True)
class Plan:
    """What was seen of the file so far."""

    new: int = 0
    known: int = 0
    left_out: int = 0
    refused: int = 0
    refusals: list[dict[str, Any]] = field(default_factory=list)
    first: date | None = None
    last: date | None = None
    leading: date | None = None
    trailing: date | None = None

    def see(self, line: dict[str, Any]) -> None:
        """Count a line, and keep the first refusals to show them together."""
        state = line["state"]
        setattr(self, state, getattr(self, state) + 1)
        if state == "refused" and len(self.refusals) < SHOWN_REFUSALS:
            self.refusals.append(line)
        if "day" in line:
            day = date.fromisoformat(line["day"])
            self.first, self.last = min(self.first or day, day), max(self.last or day, day)
            self.leading, self.trailing = self.leading or day, day


@dataclass(frozen=True, slots=True)
class Judgement:
    """What becomes of a line once names are known and its owner's choices count."""

    meant: Mapping[str, Meant]
    covered: date | None
    rows_out: frozenset[int]
    is_from_outside: bool

    def line(self, line: dict[str, Any]) -> dict[str, Any]:
        """The line as it stands, refused or left out."""
        if line["state"] == wire.LEFT_OUT:
            return line
        if line["row"] in self.rows_out:
            return wire.left_out(line["row"], CHOSEN_OUT)
        return line if line["state"] == wire.REFUSED else self._draft(line)

    def _draft(self, line: dict[str, Any]) -> dict[str, Any]:
        if self.covered and date.fromisoformat(line["day"]) >= self.covered:
            return wire.left_out(line["row"], COVERED)
        one = self.meant[line["key"]] if "key" in line else None
        if one and one.state == LEFT_OUT:
            return wire.left_out(line["row"], CHOSEN_OUT)
        if one and one.state == ASKED:
            message = f"Unknown security {one.key!r}"
            return wire.as_json(Refusal(line["row"], "symbol", message, "symbol", one.key))
        if self.is_from_outside:
            subtype = OUTSIDE.get((line["type"], line["subtype"]))
            return {**line, "subtype": subtype} if subtype else line
        return line


def plan(batch: ImportBatch, *, report: Report) -> None:
    """Read the file and write what its rows become. Doing it again makes all of it anew."""
    options = _options(batch)
    today = timezone.now().astimezone(NEW_YORK).date()
    try:
        told = _read(batch.content, options, today)
        if told.questions:
            _ask(batch, told)
            return
        _plan_lines(batch, told, report)
    except Unreadable as problem:
        _finish(batch, state=State.UNREADABLE, message=str(problem), **_blank())


def signature_of(layout: str, header: Sequence[str]) -> str:
    """What files of one kind have in common."""
    return hashlib.sha256("\x1f".join([layout, *header]).encode()).hexdigest()


def remember(batch: ImportBatch) -> None:
    """Keep what the owner said about this kind of file for the next one."""
    said = {name: batch.options[name] for name in _REMEMBERED if batch.options.get(name)}
    if said:
        ImportMapping.objects.update_or_create(
            owner_id=batch.owner_id,
            signature=signature_of(batch.layout, batch.header),
            defaults={"options": said, "used_at": timezone.now()},
        )


def _read(data: bytes, options: Options, today: date) -> Reading:
    reader = ofx.read if ofx.is_ofx(data) else csv.read
    return reader(data, options=options, today=today, most_rows=settings.IMPORT_MAX_ROWS)


def _options(batch: ImportBatch) -> Options:
    """What the owner said of this file, and of files like it before."""
    told = dict(batch.options)
    try:
        data = batch.content
        layout, header = (ofx.LAYOUT, ()) if ofx.is_ofx(data) else csv.kind_of(data, told.get("layout", ""))
    except Unreadable:
        layout, header = "", ()
    known = ImportMapping.objects.filter(owner_id=batch.owner_id, signature=signature_of(layout, header)).first()
    if known:
        told = {**known.options, **{name: value for name, value in told.items() if value}}
        told["actions"] = {**known.options.get("actions", {}), **batch.options.get("actions", {})}
    names = ("layout", "columns", "date_order", "decimal", "actions", "account")
    return Options(**{name: told[name] for name in names if told.get(name)})


def _ask(batch: ImportBatch, told: Reading) -> None:
    asked = [{"kind": one.kind, "text": one.text, "values": list(one.values)} for one in told.questions]
    _finish(batch, state=State.ASKING, **_described(told), **{**_blank(), "questions": asked})


def _described(told: Reading) -> dict[str, Any]:
    return {
        "layout": told.layout,
        "encoding": told.encoding,
        "header": list(told.header),
        "sample": [list(row) for row in told.sample],
        "columns": dict(told.columns),
    }


def _blank() -> dict[str, Any]:
    """A batch of which nothing is known yet."""
    counts = dict.fromkeys(("new_rows", "known_rows", "refused_rows", "left_out_rows"), 0)
    lists: dict[str, Any] = {name: [] for name in ("questions", "symbols", "warnings", "refusals")}
    return {"first_day": None, "last_day": None, **lists, **counts}


def _plan_lines(batch: ImportBatch, told: Reading, report: Report) -> None:
    """Lines can be judged only when the last one is read: until then they wait, packed."""
    report("Reading the file", 0.02)
    seen = Survey()
    spooled = [zlib.compress(orjson.dumps(some), level=1) for some in _chunked(seen.see(told.lines))]
    outside = _is_from_outside(batch, told.layout, seen)
    currency = _currency(batch, seen)
    meant = resolve(
        owner_id=batch.owner_id,
        account_id=batch.account_id,
        instruments=seen.instruments.values(),
        answers=_answers(batch, seen.instruments),
        currency=currency,
        names_are_public=told.layout != "generic",
    )
    judged = Judgement(meant, _covered_from(batch.account), frozenset(batch.options.get("rows_out", [])), outside)
    counts = _write_chunks(batch, spooled, judged, report)
    if not spooled:
        raise Unreadable("No transactions were found in this file.")
    found = warnings(seen, is_new_account=batch.account_id is None, is_from_outside=outside)
    _conclude(batch, told, meant, counts, found, currency)


def _chunked(lines: Iterator[Line]) -> Iterator[list[dict[str, Any]]]:
    while some := [wire.as_json(line) for line in islice(lines, LINES_PER_CHUNK)]:
        yield some


def _is_from_outside(batch: ImportBatch, layout: str, seen: Survey) -> bool:
    chosen = batch.options.get("cash", "")
    if batch.account and batch.account.source not in SELF_KEPT:
        return False
    return chosen == "outside" if chosen else layout == "generic" and seen.is_paid_from_outside


def _currency(batch: ImportBatch, seen: Survey) -> str:
    if batch.account:
        return batch.account.currency
    return str(batch.options.get("currency") or seen.currency or "USD")


def _write_chunks(batch: ImportBatch, spooled: Sequence[bytes], judged: Judgement, report: Report) -> Plan:
    with rls.tenant(batch.owner_id):
        batch.chunks.all().delete()
    counts = Plan()
    for number, some in enumerate(spooled):
        _write_chunk(batch, number, [judged.line(line) for line in orjson.loads(zlib.decompress(some))], counts)
        if number % REPORT_EVERY == REPORT_EVERY - 1:
            report(f"{(number + 1) * LINES_PER_CHUNK:,} rows compared", 0.5 + 0.5 * number / len(spooled))
    return counts


def _answers(batch: ImportBatch, instruments: Mapping[str, Instrument]) -> dict[str, Any]:
    told = dict(batch.options.get("symbols", {}))
    if batch.options.get("accept_symbols"):
        return {key: told.get(key) or {"symbol": one.ticker} for key, one in instruments.items()}
    return told


def _covered_from(account: Account | None) -> date | None:
    """The first day that the account's own connection tells of; what a file says of it later would count twice."""
    if account is None or account.source in SELF_KEPT:
        return None
    read = SyncRun.objects.filter(item__linked_accounts__account=account, state=SyncRun.State.SUCCEEDED)
    windows = read.aggregate(first=Min("start_date"))["first"]
    told = Transaction.objects.filter(account=account, source=account.source).aggregate(first=Min("date"))["first"]
    return min((day for day in (windows, told) if day), default=None)


def _write_chunk(batch: ImportBatch, number: int, lines: list[dict[str, Any]], counts: Plan) -> None:
    """Some lines, compared with what the account has; in a transaction of their own, so that progress can be seen."""
    with rls.tenant(batch.owner_id):
        known = _recorded(batch, [line["id"] for line in lines if line["state"] == wire.NEW])
        for line in lines:
            if line.get("id") in known:
                line["state"] = wire.KNOWN
            counts.see(line)
        ImportChunk.objects.create(owner_id=batch.owner_id, batch=batch, number=number, lines=lines)


def _recorded(batch: ImportBatch, external_ids: Sequence[str]) -> set[str]:
    """Those of the ids that the account's ledger has, corrected or not; what was taken back may come again."""
    if batch.account_id is None:
        return set()
    names = [(batch.account_id, external_id) for external_id in external_ids]
    named = Transaction.objects.current().filter(source=SOURCE).named(names)
    return set(named.values_list("external_id", flat=True))


def _conclude(
    batch: ImportBatch, told: Reading, meant: Mapping[str, Meant], seen: Plan, found: list[str], currency: str
) -> None:
    batch.layout, batch.header = told.layout, list(told.header)
    questions = list(_open_questions(seen, meant))
    if questions:
        state = State.ASKING
    elif seen.refused:
        state = State.REFUSED
    else:
        state = State.READY
    if batch.account_id is None:
        batch.new_account = {**batch.new_account, "currency": currency}
    values = {
        "questions": questions,
        "symbols": [one.as_json() for one in meant.values()],
        "warnings": found,
        "refusals": seen.refusals,
        "first_day": seen.first,
        "last_day": seen.last,
        "new_rows": seen.new,
        "known_rows": seen.known,
        "refused_rows": seen.refused,
        "left_out_rows": seen.left_out,
        "newest_first": bool(seen.leading and seen.trailing and seen.leading > seen.trailing),
        "new_account": batch.new_account,
    }
    with rls.tenant(batch.owner_id):
        remember(batch)
    _finish(batch, state=state, **_described(told), **values)


def _open_questions(seen: Plan, meant: Mapping[str, Meant]) -> Iterator[dict[str, Any]]:
    words = sorted({line["value"] for line in seen.refusals if line["code"] == "action"})
    if words:
        yield {"kind": "actions", "text": "What do these words of the file mean?", "values": words}
    unknown = [key for key, one in meant.items() if one.state == ASKED]
    if unknown:
        yield {"kind": "symbols", "text": "These securities are new here. Are they right?", "values": unknown}


def _finish(batch: ImportBatch, *, state: str, message: str = "", **values: Any) -> None:
    """Only while it is still being read: its owner may have discarded it meanwhile."""
    with rls.tenant(batch.owner_id), transaction.atomic():
        waiting = ImportBatch.objects.filter(pk=batch.pk, state=State.READING)
        waiting.update(state=state, message=message[:500], **values)
