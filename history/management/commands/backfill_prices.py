"""Fetch daily prices that were never asked for."""

from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from history.market.backfill import Lacking, Step, backfill_prices, what_is_lacking
from history.market.corporate_actions import held_symbols
from history.market.prices import BATCH
from history.market.symbols import symbol_named
from history.models import MarketSymbol
from history.valuation import market_today


class Command(BaseCommand):
    help = (
        "Fetch the daily prices, splits and dividends that were never asked for, 50 symbols at a time, and rebuild the "
        "histories that they change. Stopped, it goes on where it stood; it stops when the budget of the day is spent."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "symbols", nargs="*", help="AAPL BRK-B BTC-USD; without any, all that is held or was traded"
        )
        parser.add_argument("--from", dest="start", type=date.fromisoformat, metavar="DATE", help="else 24 months back")
        parser.add_argument("--to", dest="end", type=date.fromisoformat, metavar="DATE", help="else today")
        parser.add_argument("--dry-run", action="store_true", help="say what would be asked for")

    def handle(self, *args: Any, **options: Any) -> None:
        end = options["end"] or market_today()
        start = options["start"] or end - timedelta(days=settings.HISTORY_DAYS)
        if start > end:
            raise CommandError(f"--from {start} is after --to {end}")
        lacking = what_is_lacking(symbol_ids=_symbol_ids(options["symbols"]), start=start, end=end)
        days = sum(each.days for each in lacking)
        self.stdout.write(f"{len(lacking)} symbols lack {days} days from {start} to {end}: {_batches(lacking)} batches")
        if options["dry_run"]:
            self.stdout.writelines(f"  {each}" for each in lacking)
            return
        done = backfill_prices(lacking=lacking, start=start, end=end, progress=self._progress)
        self.stdout.write(f"{done.stored} prices stored; {done.accounts} accounts will be rebuilt")
        if done.out_of_budget:
            raise CommandError(
                f"The budget of the day is spent: {len(lacking) - done.symbols} symbols are left. {AGAIN}"
            )
        if done.failed:
            raise CommandError(f"{len(done.failed)} symbols could not be asked for. {AGAIN}")

    def _progress(self, step: Step) -> None:
        self.stdout.write(f"  {step.done}/{step.of} symbols, {step.stored} prices stored")
        if step.failed:
            self.stderr.write(f"  no provider could be asked: {' '.join(step.failed)}")
        self.stdout.flush()


AGAIN = "Run it again later: it goes on where it stood"


def _batches(lacking: list[Lacking]) -> int:
    return -(-len(lacking) // BATCH)


def _symbol_ids(names: list[str]) -> list[int]:
    if not names:
        return list(held_symbols().values())
    found: dict[str, MarketSymbol | None] = {name: symbol_named(name) for name in names}
    unknown = [name for name, symbol in found.items() if symbol is None]
    if unknown:
        raise CommandError(f"No such symbol: {' '.join(unknown)}")
    return [symbol.pk for symbol in found.values() if symbol]
