"""The queue of spin-offs that providers tell as splits: GE's of 2024 came as 1253:1000."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from history.market.symbols import map_securities
from history.models import Correction, MarketSymbol, Price, SymbolAction
from history.tests.ledgers import book, holding, stock
from investments.models import CorporateAction, Security

pytestmark = pytest.mark.django_db
TODAY, EX_DATE = date(2024, 5, 1), date(2024, 4, 2)
URL = "/admin/history/symbolaction/"
ANSWER = {"units": "0.25", "successor": "GEV", "fraction": "0.186", "reason": "Form 8937"}


@pytest.fixture
def told(owner: Any) -> SymbolAction:
    ge, gev = stock("GE"), stock("GEV")
    book(owner, securities=[ge, gev], holdings=[holding(ge, 100), holding(gev, 25)], on=TODAY)
    map_securities(security_ids=Security.objects.values_list("pk", flat=True))
    symbol = MarketSymbol.objects.get(symbol="GE")
    Price.objects.create(symbol=symbol, day=EX_DATE - timedelta(days=1), close=175, source="yahoo")
    return SymbolAction.objects.create(
        symbol=symbol, kind="spin_off", ex_date=EX_DATE, ratio=Decimal("1.253"), source="yahoo"
    )


@pytest.fixture
def operator(staff: Any, client: Client) -> Client:
    staff.is_superuser = True
    staff.save(update_fields=["is_superuser"])
    client.force_login(staff)
    return client


def test_it_is_listed_until_it_is_accepted(operator: Client, told: SymbolAction) -> None:
    page = operator.get(f"{URL}?waits=yes").content.decode()
    assert "waits for an operator" in page
    assert "1 people" in page
    answer = operator.post(f"{URL}{told.pk}/change/", ANSWER)
    assert answer.status_code == 302
    action = CorporateAction.objects.get(kind="spin_off")
    assert (str(action.security), str(action.successor), action.ratio, action.basis_fraction, action.source) == (
        "GE", "GEV", Decimal("0.25"), Decimal("0.186"), "operator",
    )  # fmt: skip
    assert Correction.objects.get().reason == "Form 8937"
    assert "1.253" not in operator.get(f"{URL}?waits=yes").content.decode()
    assert "accepted" in operator.get(f"{URL}?waits=no").content.decode()


@pytest.mark.parametrize("wrong", [{"successor": "NOPE"}, {"fraction": "1.2"}, {"units": "0"}, {"reason": ""}])
def test_what_cannot_be_is_told_and_nothing_done(operator: Client, told: SymbolAction, wrong: dict[str, str]) -> None:
    assert operator.post(f"{URL}{told.pk}/change/", ANSWER | wrong).status_code == 200
    assert not CorporateAction.objects.exists()
    assert not Correction.objects.exists()


def test_what_was_none_is_dismissed(operator: Client, told: SymbolAction) -> None:
    form = {"action": "dismiss", "_selected_action": [told.pk]}
    operator.post(URL, form)
    assert not SymbolAction.objects.get().voided, "it asks first"
    operator.post(URL, {**form, "confirmed": "yes"})
    assert SymbolAction.objects.get().voided
    assert not CorporateAction.objects.exists()
