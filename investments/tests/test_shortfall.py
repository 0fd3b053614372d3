"""What was sold and never bought, in an account that its owner keeps."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from investments import ledger, reconcile
from investments.core.lots import LotQueue
from investments.core.shortfall import Shortfall, shortfall
from investments.lots import recompute_lots
from investments.models import Account, RealizedLot, Security, TaxLot
from investments.tests.test_lots_stored import START, record, trade
from tests.fixtures import TODAY, Portfolio, WebClient
from tests.pages import signed_in, words_of

D = Decimal


@given(st.lists(st.integers(-9, 9).filter(bool), max_size=20))
def test_it_is_the_lowest_that_the_account_ever_stood(units: list[int]) -> None:
    queue, closings, held, lowest = LotQueue(), [], 0, 0
    for number, quantity in enumerate(units, start=1):
        day = START + timedelta(number)
        closings += queue.trade(id=number, day=day, quantity=D(quantity), amount=D(1))
        held += quantity
        lowest = min(lowest, held)
    found = shortfall(queue.lots, closings)
    assert (found.units if found else 0) == -lowest
    if found:
        first = next(n for n in range(1, len(units) + 1) if sum(units[:n]) < 0)
        assert found == Shortfall(D(-lowest), START + timedelta(first))


@pytest.fixture
def kept(portfolio: Portfolio) -> Portfolio:
    """A sale of 30 with 10 bought, and a short sale that is meant as one."""
    Account.objects.filter(owner=portfolio.owner).update(source="manual")
    record(
        portfolio,
        trade("a", 0, 10, 1000),
        trade("b", 5, -30, -3600),
        trade("c", 6, -5, -500, security="sec-vti", subtype="sell short"),
    )
    recompute_lots(owner_id=portfolio.owner.pk)
    return portfolio


def told(portfolio: Portfolio) -> list[tuple[str, str, Decimal | None, date | None]]:
    found = reconcile.differences(owner_id=portfolio.owner.pk, today=TODAY, account_ids=[portfolio.brokerage.pk])
    return [(str(one.security), one.cause, one.opening, one.before) for one in found]


def test_a_sale_of_what_was_never_bought_asks_for_what_was_there_before(kept: Portfolio) -> None:
    assert told(kept) == [("TSLA", "never_bought", 20, START + timedelta(4))]
    client = signed_in(kept.owner)
    page = client.get("/tax/", {"account": kept.brokerage.pk})
    assert "20 more sold than bought" in words_of(page)
    (fix,) = page.context["fixes"]
    opening = {name: fix.form[name].value() for name in ("account", "security", "quantity", "date")}
    assert client.post("/tax/opening/", {**opening, "date": "2020-01-02", "cost": "900"}).status_code == 302
    assert told(kept) == []
    recompute_lots(owner_id=kept.owner.pk)
    assert not TaxLot.objects.filter(account=kept.brokerage, security=kept.securities["sec-tsla"]).exists()


def test_the_api_names_it_too(kept: Portfolio, api: Callable[..., WebClient]) -> None:
    items: list[dict[str, Any]] = api(kept.owner).get("/api/v1/reconciliation").json()["items"]
    (one,) = [each for each in items if each["account_id"] == kept.brokerage.pk]
    assert (one["cause"], one["opening"], one["difference"]) == ("never_bought", "20", "0")
    assert one["explanation"].startswith("More was sold than was ever bought")


def test_the_cost_of_an_opening_is_in_the_currency_of_its_lots(kept: Portfolio) -> None:
    """Of a security in euros in an account in dollars: the page says euros, and lot and transaction are in euros."""
    siemens = Security.objects.create(
        source="manual", external_id="sie", ticker_symbol="SIE", type="equity", iso_currency_code="EUR"
    )
    entry = replace(trade("eur", 7, -4, -800), security_external_id="sie", currency="EUR")
    written = ledger.record_transactions(
        accounts={"brokerage": kept.brokerage}, securities={"sie": siemens}, source="manual", entries=[entry],
        today=TODAY,
    )  # fmt: skip
    assert not written.findings
    page = signed_in(kept.owner).get("/tax/", {"account": kept.brokerage.pk})
    assert "What they cost in all, in EUR" in words_of(page)
    row = reconcile.accept_opening(
        account=kept.brokerage, security=siemens, quantity=D(10), on=date(2020, 1, 2), cost=D(1500)
    )
    assert (row.currency, row.amount) == ("EUR", 1500)
    recompute_lots(owner_id=kept.owner.pk)
    lot = TaxLot.objects.get(owner=kept.owner, security=siemens)
    assert (lot.currency, lot.quantity, lot.cost) == ("EUR", 6, 900)
    closed = RealizedLot.objects.get(owner=kept.owner, security=siemens)
    assert (closed.currency, closed.gain) == ("EUR", 200)
