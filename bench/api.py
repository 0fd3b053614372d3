"""The API under load, `/api/portfolio/history` of two years and `/positions` above all, beside a bare Django view.

One account an owner, with the days of two years and 40 positions; gunicorn under row security, alone and with 64
callers over kept-alive connections that ask again as soon as they are answered. The bare view answers `{}` behind the
same middleware and authentication, so the difference is what the routes themselves take.
"""

import argparse
import tempfile
from pathlib import Path

from _big_table import FIRST_DAY, write_accounts, write_days
from _database import own_database
from _figures import Figure, show
from _http_load import Load, load
from _population import LAST_DAY
from chart import tokens_of, web

OWNERS = {"quick": 64, "full": 1_000}
SECONDS = {"quick": 2.0, "full": 8.0}
CALLERS, POSITIONS = 64, 40
BARE = "/bench/nothing"
ROUTES = {
    "history 2Y": f"/api/portfolio/history?from={FIRST_DAY}&to={LAST_DAY}",
    "positions": "/api/portfolio/positions",
    "accounts": "/api/investments/accounts",
    "holdings": "/api/investments/holdings",
    "value": "/api/portfolio/value",
}


def options_given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", choices=("quick", "full"), default="quick", help="quick ends within a minute")
    parser.add_argument("--json", action="store_true", help="one JSON line per figure")
    return parser.parse_args()


def write_holdings() -> int:
    """So many positions in each account, of securities that all share; returns how many rows."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO investments_security (source, external_id, name, ticker_symbol, type, iso_currency_code, "
            "cusip, isin, sedol, subtype, is_cash_equivalent, unofficial_currency_code, market_identifier_code, "
            "sector, industry, cfi_code, institution_security_id, institution_external_id, proxy_external_id, "
            "option_contract_type, option_underlying_ticker) "
            "SELECT 'plaid', 'api-' || n, 'Company ' || n, 'A' || n, 'equity', 'USD', '', '', '', '', false, '', '', "
            "'', '', '', '', '', '', '', '' FROM generate_series(1, %s) n",
            [POSITIONS],
        )
        cursor.execute(
            "INSERT INTO investments_holding (owner_id, account_id, security_id, quantity, institution_price, "
            "institution_value, cost_basis, market_price, market_value, market_basis, priced_on, day_change, "
            "data_source, source_metadata, updated_at) "
            "SELECT a.owner_id, a.id, s.id, 10, 25, 250, 200, 25, 250, 200, current_date, 1, 'plaid', '{}', now() "
            "FROM investments_account a CROSS JOIN investments_security s WHERE s.external_id LIKE 'api-%%'"
        )
        return int(cursor.rowcount)


def endpoints(accounts: list[int], seconds: float) -> list[Figure]:
    tokens = tokens_of(accounts)

    def measured(path: str, callers: int) -> Load:
        return load(lambda _number: path, tokens[:callers], port=port, seconds=seconds)

    with tempfile.TemporaryDirectory() as folder, web(Path(folder)) as port:
        for path in (BARE, *ROUTES.values()):
            measured(path, CALLERS)  # what is read once, in both processes
        bare_alone, bare = measured(BARE, 1), measured(BARE, CALLERS)
        found = []
        for name, path in ROUTES.items():
            found += compared(name, measured(path, 1), measured(path, CALLERS), bare_alone, bare)
    return found


def compared(name: str, alone: Load, busy: Load, bare_alone: Load, bare: Load) -> list[Figure]:
    return [
        beside(f"{name}, alone, p50", alone.percentile(50), bare_alone.percentile(50)),
        beside(f"{name}, alone, p95", alone.percentile(95), bare_alone.percentile(95)),
        *(beside(f"{name}, {CALLERS} callers, p{percent}", busy.percentile(percent), bare.percentile(percent))
          for percent in (50, 95, 99)),
        Figure(f"{name}, {CALLERS} callers", busy.per_second, bare.per_second, "bare view",
               busy.per_second / bare.per_second, "/s"),
    ]  # fmt: skip


def beside(name: str, ours: float, bare: float) -> Figure:
    return Figure(name, ours, bare, "bare view", bare / ours, "ms")


def main() -> None:
    options = options_given()
    with own_database():
        accounts = write_accounts(OWNERS[options.scale])
        days, holdings = write_days(), write_holdings()
        found = endpoints(accounts[:CALLERS], SECONDS[options.scale])
    show(f"The API over {days:,} account days and {holdings:,} holdings", found, as_json=options.json)


if __name__ == "__main__":
    main()
