from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from history.market.price_files import BadPriceFile, lines_of, load_prices


class Command(BaseCommand):
    help = (
        "Load daily prices from a CSV file: symbol,date,open,high,low,close,adj_close,volume and optionally "
        "split_ratio and dividend, on their ex-dates. Closes as traded. All rows or none; loading a file twice "
        "changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            loaded = load_prices(lines_of(options["file"]))
        except (BadPriceFile, OSError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            f"{loaded.rows} rows of {loaded.symbols} symbols read, {loaded.stored} prices new or changed; "
            f"{loaded.accounts} accounts will be rebuilt"
        )
