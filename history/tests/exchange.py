"""The exchange of simulated lives: what is listed, its closes as traded, its splits and its holidays."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random

ONE_DAY = timedelta(days=1)
MULTIPLIERS = {"option": Decimal(100), "mini": Decimal(10), "bond": Decimal("0.01")}
SPLIT_RATIOS = (Decimal(2), Decimal("0.125"), Decimal(3))


@dataclass
class Security:
    name: str
    kind: str  # stock, fund, option; in a full life also mini, bond, sweep, crypto, paper
    closes: dict[date, Decimal] = field(default_factory=dict)
    splits: dict[date, Decimal] = field(default_factory=dict)
    expires: date | None = None
    currency: str = "USD"

    @property
    def multiplier(self) -> Decimal:
        return MULTIPLIERS.get(self.kind, Decimal(1))


def list_securities(random: Random, first: date, last: date) -> dict[str, Security]:
    """Securities by name, quoted on sessions from some days before `first`; LATE comes to market in between."""
    listed = [Security(f"STOCK{number}", "stock") for number in range(4)]
    listed += [Security("FUND", "fund"), Security("LATE", "stock"), Security("NEVERSOLD", "stock")]
    for number in range(2):
        expiry = first + timedelta(days=random.randrange(20, (last - first).days + 60))
        listed.append(Security(f"OPTION{number}", "option", expires=expiry))
    holidays = {_any_day(random, first, last) for _ in range(6)}
    for security in listed:
        opening = _any_day(random, first, last) if security.name == "LATE" else first - 5 * ONE_DAY
        ex_date = _any_day(random, first, last)
        ex_dates = {ex_date, ex_date + 40 * ONE_DAY} if security.kind == "stock" else set()
        quote(random, security, opening, min(last, security.expires or last), holidays, ex_dates)
    return {security.name: security for security in listed}


def _any_day(random: Random, first: date, last: date) -> date:
    return first + timedelta(days=random.randrange((last - first).days + 1))


def quote(random: Random, security: Security, day: date, last: date, holidays: set[date], ex_dates: set[date]) -> None:
    """A random walk of closes on sessions, divided by the ratio at each ex-date."""
    price = Decimal(random.randrange(200, 40000)) / 100
    while day <= last:
        if day.weekday() < 5 and day not in holidays:
            if day in ex_dates and security.closes:
                security.splits[day] = random.choice(SPLIT_RATIOS)
            price = price / security.splits.get(day, Decimal(1)) * Decimal(random.randrange(960, 1042)) / 1000
            price = max(price.quantize(Decimal("0.0001")), Decimal("0.0013"))
            security.closes[day] = price
        day += ONE_DAY
