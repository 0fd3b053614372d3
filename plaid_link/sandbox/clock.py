"""The server's idea of now, which tests may move."""

from datetime import UTC, date, datetime, timedelta

from portfolio_site.lib.sessions import NEW_YORK


class Clock:
    """Real time, plus an offset."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def today(self) -> date:
        """The day in New York."""
        return self.now().astimezone(NEW_YORK).date()

    def stamp(self, ahead: timedelta = timedelta()) -> str:
        """The moment in ISO 8601, in UTC to the second, `ahead` of now."""
        return (self.now() + ahead).replace(microsecond=0, tzinfo=None).isoformat() + "Z"

    def move_to(self, moment: datetime) -> None:
        """Makes `moment` (aware) now; time goes on from there."""
        self.offset = moment - datetime.now(UTC)
