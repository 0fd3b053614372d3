"""What is told in pence, whichever way it comes in, is stored in pounds, and once."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from history.tests.ledgers import book, holding, row, stock
from investments.models import Holding, Security, Transaction

pytestmark = pytest.mark.django_db
D = Decimal
START, END = date(2026, 10, 22), date(2026, 11, 20)


def test_what_is_told_in_pence_is_stored_in_pounds_once(owner: Any) -> None:
    paper = stock("VOD", iso_currency_code="", unofficial_currency_code="GBX", close_price=D(102))
    facts: dict[str, Any] = {"securities": [paper], "on": END, "currency": "GBP"}
    facts["holdings"] = [holding(paper, 1000, 102, cost_basis=D(90_000), currency="GBX")]
    facts["transactions"] = [row("buy/buy", START, 90_000, paper, 1000, currency="GBX")]
    for _ in range(2):
        account = book(owner, **facts)
    held = Holding.objects.get(account=account)
    assert (held.institution_price, held.institution_value, held.cost_basis) == (D("1.02"), 1020, 900)
    security = Security.objects.get(external_id="VOD")
    assert (security.currency, security.close_price) == ("GBP", D("1.02"))
    (paid,) = Transaction.objects.filter(account=account)
    assert (paid.currency, paid.price, paid.amount, paid.version) == ("GBP", D("0.90"), 900, 1)
