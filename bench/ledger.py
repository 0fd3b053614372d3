"""Tax lots: FIFO arithmetic, and all of an owner's lots from rows in PostgreSQL to rows in PostgreSQL.

Beside the arithmetic, a deque of Decimals that knows nothing but FIFO. Beside the whole, lots kept as model instances
with a save() each, measured on a part and extrapolated. Owners trade 20 securities in two accounts, buy more than they
sell, and sell at a loss now and then, so that the wash-sale rule has work.
"""

import gc
import os
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal, localcontext
from pathlib import Path
from statistics import median
from typing import Any

from _database import own_database
from _figures import Figure, arguments, show

TRADES_EACH = 1_000
# owners
SCALES = {"quick": 30, "full": 1_000}
ARITHMETIC = {"quick": 50_000, "full": 1_000_000}
NAIVE_ROWS = 400
SECURITIES = 20
FIRST_DAY = date(2024, 11, 21)
ZERO, ONE = Decimal(0), Decimal(1)


def main() -> None:
    options = arguments(__doc__ or "")
    owners, trades = SCALES[options.scale], ARITHMETIC[options.scale]
    with own_database():
        figures = [*arithmetic(trades), *whole(owners)]
    show(
        f"{trades:,} trades of one security; {owners:,} owners of {TRADES_EACH:,} transactions",
        figures,
        as_json=options.json,
    )


def arithmetic(count: int) -> list[Figure]:
    """Gains of one security's trades: as whole numbers, as lots and closings, and a plain deque's of Decimals.

    From the same Decimals, with as many places as the ledger reads them with; ours to the last place, the deque as its
    prices of a unit are rounded. All without the collector of cycles, as lots are recomputed, and in processor time, of
    which other processes take none.
    """
    from investments.core.lots import LotQueue
    from investments.core.precision import MONEY_PLACES, QUANTITY_PLACES

    trades = [
        (units.quantize(QUANTITY_PLACES), amount.quantize(MONEY_PLACES))
        for units, amount in _trades(random.Random(7), count)
    ]
    deals = [(number, FIRST_DAY, *trade) for number, trade in enumerate(trades, start=1)]

    def closings() -> Decimal:
        return sum((closing.gain or ZERO for closing in LotQueue().trade_all(deals)), ZERO)

    gc.disable()
    exact = _whole_numbers(trades)
    if exact != closings() or abs(exact - _plain(trades)) > Decimal("1E-6"):
        raise SystemExit("they do not agree")
    ours, whole, other = map(_processor_time, (lambda: _whole_numbers(trades), closings, lambda: _plain(trades)))
    gc.enable()
    beside = {"other": count / other, "other_name": "a deque of Decimals", "unit": "/s"}
    return [
        Figure("trades matched, exact", ours=count / ours, ratio=other / ours, **beside),
        Figure("the same with every lot and closing", ours=count / whole, ratio=other / whole, **beside),
    ]


def _processor_time(work: Callable[[], object]) -> float:
    """The median of five runs, in seconds."""
    times = []
    for _ in range(5):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return median(times)


def _whole_numbers(trades: Sequence[tuple[Decimal, Decimal]]) -> Decimal:
    from investments.core.fifo import in_last_places, match, whole_numbers
    from investments.core.lot import WIDE
    from investments.core.precision import MONEY_PLACES, QUANTITY_PLACES

    with localcontext(WIDE):
        quantities, amounts = zip(*trades, strict=True)
        units, money = whole_numbers(quantities, QUANTITY_PLACES), in_last_places(amounts, MONEY_PLACES)
        assert units is not None
        assert money is not None
        is_bought = units[0] > 0
        pieces = match(units[0][is_bought], money[is_bought], -units[0][~is_bought], money[~is_bought])
        assert pieces is not None
        return int((pieces.proceeds - pieces.basis).sum()) * MONEY_PLACES


def _plain(trades: Sequence[tuple[Decimal, Decimal]]) -> Decimal:
    lots: deque[list[Decimal]] = deque()
    gain = ZERO
    for units, amount in trades:
        if units > 0:
            lots.append([units, amount / units])
            continue
        left, price = -units, amount / -units
        while left:
            part = min(left, lots[0][0])
            gain += part * (price - lots[0][1])
            lots[0][0] -= part
            left -= part
            if not lots[0][0]:
                lots.popleft()
    return gain


def _trades(chance: random.Random, count: int) -> Any:
    """Whole shares, more bought than sold, never short, at prices that move by a percent or two from trade to trade.

    Prices stay between 1 and 2000: over a million trades the least drift would lead beyond all that money is.
    """
    held, level = 0, chance.uniform(20, 300)
    for _ in range(count):
        level = min(max(level * chance.gauss(1.0, 0.015), 1.0), 2000.0)
        price = Decimal(round(level * 100)) / 100
        if held > 20 and chance.random() < 0.45:
            units = chance.randrange(1, 20)
            held -= units
            yield Decimal(-units), units * price
        else:
            units = chance.randrange(1, 20)
            held += units
            yield Decimal(units), units * price


def whole(owners: int) -> list[Figure]:
    """Every owner's lots computed for the first time, and again with nothing changed."""
    from investments.lots import recompute_lots

    ids = [_owner(number) for number in range(owners)]
    count = owners * TRADES_EACH
    _analyze()
    start = _processor_seconds()
    first = _timed(lambda: [recompute_lots(owner_id=owner_id) for owner_id in ids])
    worked = [one - before for one, before in zip(_processor_seconds(), start, strict=True)]
    again = _timed(lambda: [recompute_lots(owner_id=owner_id, anew=True) for owner_id in ids])
    naive = _naive(ids[0]) * count
    return [
        Figure("first time", first, naive, "a save() for each lot", naive / first, "s"),
        Figure("a million transactions", first / count * 1e6, 60.0, "allowed", 60 / (first / count * 1e6), "s"),
        Figure("of which processor time, ours", worked[0] / count * 1e6, None, "", None, "s"),
        Figure("of which processor time, PostgreSQL's", worked[1] / count * 1e6, None, "", None, "s"),
        Figure("an owner of 1,000 transactions", first / owners * 1000, None, "", None, "ms"),
        Figure("computed anew, nothing changed", again, None, "", None, "s"),
        *_rows(count),
    ]


def _rows(count: int) -> list[Figure]:
    from investments.models import RealizedLot, TaxLot, WashSale

    names = {"open lots": TaxLot, "closings": RealizedLot, "wash sales": WashSale}
    return [
        Figure(f"{name} a thousand transactions", model.objects.count() / count * 1000, None, "", None, "")
        for name, model in names.items()
    ]


def _analyze() -> None:
    """As autovacuum has done long before in a database that is in use."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _processor_seconds() -> tuple[float, float]:
    """Ours, and our connection's server process's where the system tells: what is left when others wait for nobody."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return time.process_time(), 0.0
    return time.process_time(), (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _owner(number: int) -> int:
    from investments.models import Account, Institution, Security, Transaction
    from portfolio_site.models import User

    owner = User.objects.create_user(email=f"bench{number}@example.com")
    institution, _ = Institution.objects.get_or_create(external_id="bench", defaults={"name": "Bench"})
    accounts = [
        Account.objects.create(
            owner=owner, institution=institution, external_id=f"a{n}", source="manual", ledger_version=1
        )
        for n in range(2)
    ]
    securities = [
        Security.objects.get_or_create(external_id=f"S{n}", defaults={"ticker_symbol": f"S{n}", "type": "equity"})[0]
        for n in range(SECURITIES)
    ]
    chance = random.Random(number)
    rows: list[Any] = []
    for account in accounts:
        for security in securities:
            rows += _rows_of(chance, account, security, TRADES_EACH // SECURITIES // len(accounts))
    Transaction.objects.bulk_create(rows, batch_size=2000)
    return int(owner.pk)


def _rows_of(chance: random.Random, account: Any, security: Any, count: int) -> Sequence[Any]:
    from investments.models import Transaction

    rows = []
    for place, (units, amount) in enumerate(_trades(chance, count)):
        name = f"{account.pk}-{security.pk}-{place}"
        rows.append(
            Transaction(
                owner_id=account.owner_id,
                account=account,
                security=security,
                external_id=name,
                idempotency_key=name,
                type="buy" if units > 0 else "sell",
                subtype="buy" if units > 0 else "sell",
                quantity=units,
                date=FIRST_DAY + timedelta(place * 730 // count),
                amount=amount if units > 0 else -amount,
                source="manual",
            )
        )
    return rows


def _naive(owner_id: int) -> float:
    """Seconds a row of the plain way: each lot an instance, found, lowered and saved one by one."""
    from django.db import transaction

    from investments.models import RealizedLot, TaxLot, Transaction

    rows = list(Transaction.objects.filter(owner_id=owner_id).order_by("date", "pk")[:NAIVE_ROWS])

    def one_by_one() -> None:
        for row in rows:
            left = row.quantity
            common = {"owner_id": owner_id, "account_id": row.account_id, "security_id": row.security_id}
            lots = TaxLot.objects.filter(**common, currency="XXX").order_by("opened", "pk")
            for lot in lots if left < 0 else ():
                part = min(-left, lot.quantity)
                RealizedLot.objects.create(
                    **common, currency="XXX", opened_by=lot.opened_by, closed_by=row, acquired=lot.opened,
                    closed=row.date, quantity=part, proceeds=row.amount, basis=lot.cost,
                )  # fmt: skip
                lot.quantity -= part
                left += part
                if lot.quantity:
                    lot.save(update_fields=["quantity"])
                else:
                    lot.delete()
                if not left:
                    break
            if left > 0:
                TaxLot.objects.create(
                    **common, currency="XXX", opened_by=row, opened=row.date, entered=row.date, quantity=left,
                    cost=row.amount,
                )  # fmt: skip

    with transaction.atomic():
        spent = _timed(one_by_one)
        transaction.set_rollback(True)
    return spent / len(rows)


if __name__ == "__main__":
    main()
