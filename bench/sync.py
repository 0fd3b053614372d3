"""A whole sync of one login: 50 accounts of 200 holdings and 20,000 transactions, from Plaid's pages to rows.

Through plaid-python over HTTP from the local Plaid server, written in one transaction. Beside it, in the same run, the
naive way: the same answer written row by row with update_or_create, measured on a part and extrapolated.
Calls are not spaced out here: at Plaid's own limit, 30 pages a minute, 40 pages take over a minute of waiting.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from _database import own_database
from _figures import Figure, arguments, show
from _linked import ACCESS_TOKEN, ITEM_ID, write_login

# accounts, holdings of each, transactions of all
SCALES = {"quick": (10, 200, 4_000), "full": (50, 200, 20_000)}
GOAL_SECONDS = 20.0
# Of the naive way so many rows are written, and the rest is extrapolated.
NAIVE_ROWS = 1_500
PAGE = 500


def main() -> None:
    options = arguments(__doc__ or "")
    accounts, holdings, transactions = SCALES[options.scale]
    with own_database(), tempfile.TemporaryDirectory() as folder:
        figures = run(Path(folder), accounts, holdings, transactions)
    title = f"{accounts} accounts of {holdings} holdings, {transactions:,} transactions"
    show(title, figures, as_json=options.json)


def run(folder: Path, accounts: int, holdings: int, transactions: int) -> list[Figure]:
    from django.conf import settings
    from django.utils import timezone

    from plaid_link.sandbox.testing import running

    settings.PLAID_RATE_LIMITED = False
    write_login(
        folder / "plaid.json",
        accounts=accounts,
        holdings=holdings,
        transactions=transactions,
        today=timezone.now().date(),
    )
    with running(state=folder / "plaid.json") as plaid:
        settings.PLAID_HOST = plaid.url
        item = linked_item()
        warm_up(item)
        reading = seconds(lambda: snapshot_of(item))
        queries, first = counted(lambda: sync(item))
        again = [seconds(lambda: sync(item)) for _ in range(3)]
        naive = naive_seconds(snapshot_of(item))
    check(accounts, holdings, transactions)
    pages = transactions / PAGE
    return [
        Figure(
            "first sync", first, reading + naive, "the same answer by update_or_create", (reading + naive) / first, "s"
        ),
        Figure("first sync, against its goal", first, GOAL_SECONDS, "allowed", GOAL_SECONDS / first, "s"),
        Figure("of which asking Plaid and reading", reading, None, "", None, "s"),
        Figure("of which writing", first - reading, naive, "by update_or_create", naive / (first - reading), "s"),
        Figure("the same answer again", sorted(again)[1], None, "", None, "s"),
        Figure("statements", queries, None, "", None, ""),
        Figure("statements a page of 500", queries / pages, None, "", None, ""),
    ]


def linked_item() -> Any:
    """The item as linking leaves it."""
    from investments import ledger
    from investments.entries import InstitutionEntry
    from plaid_link.models import Item
    from plaid_link.tokens import seal_token
    from portfolio_site.models import User

    return Item.objects.create(
        owner=User.objects.create_user(email="bench@example.com"),
        institution=ledger.upsert_institution(entry=InstitutionEntry("ins_12", "Bench")),
        item_id=ITEM_ID,
        access_token_encrypted=seal_token(ACCESS_TOKEN, item_id=ITEM_ID),
    )


def warm_up(item: Any) -> None:
    """The server reads its books once, and both sides open their connections."""
    from plaid_link.sources.plaid import PlaidSource, client

    PlaidSource(client(), ACCESS_TOKEN).accounts()


def snapshot_of(item: Any) -> Any:
    from plaid_link.sources.plaid import PlaidSource, client
    from plaid_link.sync import whole_window

    start, end = whole_window()
    return PlaidSource(client(), ACCESS_TOKEN).snapshot(start=start, end=end)


def sync(item: Any) -> Any:
    from plaid_link.sync import sync_item, whole_window

    start, end = whole_window()
    return sync_item(item=item, trigger="link", start=start, end=end)


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def counted(work: Callable[[], object]) -> tuple[int, float]:
    """How many statements the work sent, and how long it took."""
    from django.db import connection

    count = 0

    def counting(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal count
        count += 1
        return execute(sql, params, many, context)

    with connection.execute_wrapper(counting):
        taken = seconds(work)
    return count, taken


def naive_seconds(snapshot: Any) -> float:
    """Seconds for all rows of the answer, one update_or_create each, told from the first of each kind."""
    with nobody_told():
        return sum(share * seconds for share, seconds in _naive_parts(snapshot))


@contextmanager
def nobody_told() -> Iterator[None]:
    """In one transaction that is undone."""
    from django.db import transaction

    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@dataclass
class NaiveSync:
    """Each entry of a snapshot looked up and saved by itself; what was saved is found by its external id."""

    owner: Any
    institution: Any
    securities: dict[str, Any] = field(default_factory=dict)
    accounts: dict[str, Any] = field(default_factory=dict)

    def security(self, entry: Any) -> None:
        from investments.models import Security

        values = asdict(entry)
        key = values.pop("external_id")
        self.securities[key], _ = Security.objects.update_or_create(source="csv", external_id=key, defaults=values)

    def account(self, entry: Any) -> None:
        from investments.models import Account

        values = {**asdict(entry), "institution": self.institution, "uninvested_cash": 0, "cash_source": "none"}
        key = values.pop("external_id")
        self.accounts[key], _ = Account.objects.update_or_create(
            owner=self.owner, source="plaid", external_id=key, defaults=values
        )

    def holding(self, entry: Any) -> None:
        from investments.models import Holding

        values = asdict(entry)
        values.pop("currency")  # the security's, in this answer
        where = self.accounts[values.pop("account_external_id")]
        what = self.securities[values.pop("security_external_id")]
        Holding.objects.update_or_create(account=where, security=what, defaults={**values, "owner": self.owner})

    def transaction(self, entry: Any) -> None:
        from investments.models import Transaction

        Transaction.objects.update_or_create(
            account=self.accounts[entry.account_external_id],
            idempotency_key=entry.external_id,
            defaults={
                "owner": self.owner,
                "external_id": entry.external_id,
                "security": self.securities[entry.security_external_id],
                **{name: getattr(entry, name) for name in ("type", "subtype", "date", "name", "quantity", "price")},
                **{name: getattr(entry, name) for name in ("amount", "fees", "currency")},
                "source": "plaid",
                "repairs": [],
            },
        )


def _naive_parts(snapshot: Any) -> Iterator[tuple[float, float]]:
    """Of each kind of entry: all of them for one that was timed, and the seconds of those."""
    from investments.models import Institution
    from portfolio_site.models import User

    naive = NaiveSync(User.objects.create_user(email="naive@example.com"), Institution.objects.get())
    for rows, write, most in (
        (snapshot.securities, naive.security, len(snapshot.securities)),
        (snapshot.accounts, naive.account, len(snapshot.accounts)),
        (snapshot.holdings, naive.holding, NAIVE_ROWS),
        (snapshot.transactions, naive.transaction, NAIVE_ROWS),
    ):
        part = rows[:most]
        start = time.perf_counter()
        for entry in part:
            write(entry)
        yield len(rows) / len(part), time.perf_counter() - start


def check(accounts: int, holdings: int, transactions: int) -> None:
    """All of it is there, or the figures mean nothing."""
    from investments.models import Account, Holding, Transaction

    there = (Account.objects.count(), Holding.objects.held().count(), Transaction.objects.current().count())
    assert there == (accounts, accounts * holdings, transactions), there


if __name__ == "__main__":
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    main()
