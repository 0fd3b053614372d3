"""From the exchange of the public token to the whole chart: 3 accounts, 60 positions, 24 months, prices in the store.

A real web process, a worker and the local Plaid server, over HTTP: the token is exchanged, everything is read from
Plaid and stored, histories are rebuilt, and the chart of two years is asked for. One new user after another.
"""

import json
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from _database import own_database
from _figures import Figure, arguments, show
from _linked import SECURITIES, custom_user
from _stack import CELERY, processes, web

USERS = {"quick": 3, "full": 10}
ACCOUNTS, HOLDINGS, TRANSACTIONS = 3, 20, 600
DAYS = 731
GOAL_SECONDS, ALLOWED_SECONDS = 5.0, 180.0
PATIENCE = 60.0

PRICES = """
INSERT INTO history_price (symbol_id, day, close, source)
SELECT y.id, d::date, round((5 + y.id % 490 + 3 * sin(extract(doy FROM d) / 9 + y.id))::numeric, 4), 'bench'
FROM history_marketsymbol y, generate_series(%s::date - 745, %s::date, interval '1 day') d
WHERE extract(isodow FROM d) < 6
"""


def write_market(today: date) -> None:
    """Every symbol that anybody will hold, with a close for every weekday, and told to be complete."""
    from django.db import connection

    from history.models import MarketSymbol

    asked: dict[str, Any] = {"priced_from": date(2000, 1, 1), "priced_to": date(2048, 1, 1)}
    MarketSymbol.objects.bulk_create([MarketSymbol(symbol=f"B{n:03d}", **asked) for n in range(SECURITIES)])
    with connection.cursor() as cursor:
        cursor.execute(PRICES.replace("% 490", "%% 490"), [today, today])
        cursor.execute("VACUUM ANALYZE history_price")


def seconds_to_chart(port: int, number: int, plaid: Any, today: date) -> tuple[float, float, float]:
    """(until the exchange was answered, until all accounts were stored, until the whole chart was answered)."""
    import httpx
    from rest_framework_simplejwt.tokens import AccessToken

    from history.models import AccountHistory
    from portfolio_site.demo.waiting import wait_until
    from portfolio_site.models import User

    user = User.objects.create(email=f"bench{number}@example.com")
    custom = custom_user(accounts=ACCOUNTS, holdings=HOLDINGS, transactions=TRANSACTIONS, today=today)
    body = {"user_id": user.pk, "public_token": plaid.public_token(custom=custom)}
    headers = {"Authorization": f"Bearer {AccessToken.for_user(user)}"}
    ready = AccountHistory.objects.filter(owner=user, state=AccountHistory.State.READY)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=PATIENCE) as client:
        start = time.perf_counter()
        client.post("/api/plaid/investments/exchange_public_token", json=body).raise_for_status()
        exchanged = time.perf_counter()
        wait_until(lambda: user.holdings.count() == ACCOUNTS * HOLDINGS, seconds=PATIENCE)
        stored = time.perf_counter()
        wait_until(lambda: ready.count() == ACCOUNTS, seconds=PATIENCE)
        chart = json.loads(client.get("/api/portfolio/history", params={"period": "2Y"}).raise_for_status().content)
        drawn = time.perf_counter()
    assert len(chart["dates"]) == DAYS, len(chart["dates"])
    return exchanged - start, stored - start, drawn - start


def run(folder: Path, users: int) -> list[Figure]:
    from history.valuation import market_today
    from plaid_link.sandbox.testing import running
    from portfolio_site.demo.stack import free_port

    today, port = market_today(), free_port()
    write_market(today + timedelta(days=1))
    commands = {
        "web": web(port, "--workers=1"),
        "worker": (*CELERY, "worker", "--queues=high,default,low", "--concurrency=2", "--loglevel=ERROR"),
    }
    with running(state=folder / "plaid.json") as plaid:
        environment = {"PLAID_HOST": plaid.url, "MARKET_DATA_PROVIDERS": "stored"}
        with processes(folder, commands, port=port, environment=environment):
            seconds_to_chart(port, 0, plaid, today)  # pays for imports
            found = [seconds_to_chart(port, number + 1, plaid, today) for number in range(users)]
    exchanged, stored, drawn = (median(column) for column in zip(*found, strict=True))
    slowest = max(times[-1] for times in found)
    return [
        Figure("exchange answered", exchanged, None, "", None, "s"),
        Figure("accounts, holdings and rows stored", stored, None, "", None, "s"),
        Figure("whole chart answered, median", drawn, ALLOWED_SECONDS, "allowed", ALLOWED_SECONDS / drawn, "s"),
        Figure("whole chart answered, slowest", slowest, GOAL_SECONDS, "goal", GOAL_SECONDS / slowest, "s"),
    ]


def main() -> None:
    options = arguments(__doc__ or "")
    with own_database(), tempfile.TemporaryDirectory() as folder:
        figures = run(Path(folder), USERS[options.scale])
    title = f"Linking: {ACCOUNTS} accounts, {ACCOUNTS * HOLDINGS} positions, {TRANSACTIONS} transactions, 24 months"
    show(title, figures, as_json=options.json)


if __name__ == "__main__":
    main()
