"""iCalendar (RFC 5545): whole days with a summary, as calendars of phones subscribe to them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

LINE_OCTETS = 75


@dataclass(frozen=True, slots=True)
class DayEvent:
    """`uid` stays the same for the same event, so that a calendar brings it up to date instead of doubling it."""

    uid: str
    day: date
    summary: str
    description: str = ""
    tentative: bool = False


def calendar(name: str, events: Iterable[DayEvent], *, now: datetime) -> str:
    """The text of a calendar, lines folded at 75 octets and ended with CRLF."""
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Longview//Income//EN", f"X-WR-CALNAME:{_escaped(name)}"]
    stamp = f"DTSTAMP:{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    lines = [*head, *(line for event in events for line in _event(event, stamp)), "END:VCALENDAR"]
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _event(event: DayEvent, stamp: str) -> list[str]:
    return [
        "BEGIN:VEVENT",
        f"UID:{event.uid}",
        stamp,
        f"DTSTART;VALUE=DATE:{event.day:%Y%m%d}",
        f"DTEND;VALUE=DATE:{event.day + timedelta(days=1):%Y%m%d}",
        f"SUMMARY:{_escaped(event.summary)}",
        *([f"DESCRIPTION:{_escaped(event.description)}"] if event.description else []),
        f"STATUS:{'TENTATIVE' if event.tentative else 'CONFIRMED'}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    ]


def _escaped(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return escaped.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\n")


def _folded(line: str) -> str:
    """Continued after 75 octets, between characters, with a space that the reader takes away again."""
    pieces, octets = [""], 0
    for character in line:
        size = len(character.encode())
        if octets + size > LINE_OCTETS:
            pieces.append(" ")
            octets = 1
        pieces[-1] += character
        octets += size
    return "\r\n".join(pieces)
