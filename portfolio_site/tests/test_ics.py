from datetime import UTC, date, datetime

from portfolio_site.lib.ics import DayEvent, calendar

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_lines_end_with_crlf_and_none_is_longer_than_75_octets() -> None:
    event = DayEvent("a@b", date(2026, 12, 31), "Süß, 'n; " + "₿" * 80, "one\ntwo\\three")
    text = calendar("Mine", [event], now=NOW)
    lines = text.split("\r\n")
    assert "\n" not in text.replace("\r\n", "")
    assert max(len(line.encode()) for line in lines) <= 75
    unfolded = text.replace("\r\n ", "").split("\r\n")
    assert "SUMMARY:Süß\\, 'n\\; " + "₿" * 80 in unfolded
    assert "DESCRIPTION:one\\ntwo\\\\three" in unfolded


def test_a_whole_day_ends_with_the_next() -> None:
    text = calendar("Mine", [DayEvent("a@b", date(2026, 12, 31), "x", tentative=True)], now=NOW)
    assert "DTSTART;VALUE=DATE:20261231\r\nDTEND;VALUE=DATE:20270101\r\n" in text
    assert "STATUS:TENTATIVE" in text
    assert text.startswith("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n")
    assert text.endswith("END:VCALENDAR\r\n")
