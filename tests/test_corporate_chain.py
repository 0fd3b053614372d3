"""What companies do, from the operator's line or the owner's row to lots, holdings, history and the tax form.

Somebody keeps an account by hand, an operator enters one line in the admin, workers do what then is to do, and the
pages are looked at. All figures are worked out by hand.
"""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from history.market.symbols import map_securities
from history.tests.ledgers import row, values_of
from history.tests.test_rebuild_exchanges import BEFORE, EX_DATE, GEV, NEW, OLD, TODAY, load, rebuild
from investments import ledger, manual
from investments.lots import recompute_lots
from investments.models import Account, RealizedLot, TaxLot
from tests.fixtures import WebClient

pytestmark = pytest.mark.django_db
ADD = "/admin/history/correction/add/"
BOUGHT = BEFORE - timedelta(days=30)
D = Decimal
BOOT = ("OLD, cash of a merger", 1000, 0, 1000)


@pytest.fixture(autouse=True)
def _files_only(settings: Any) -> None:
    settings.MARKET_DATA_PROVIDERS = ["stored"]


@pytest.fixture
def account(owner: Any) -> Account:
    """100 OLD at 30, paid from a deposit of 3,000; OLD stands at 50 until the ex-date."""
    load(OLD=(50, 50), NEW=(80, 80), GEV=(None, 10))
    account = manual.open_account(owner_id=owner.pk, name="By hand", subtype="brokerage", currency="USD")
    known = ledger.upsert_securities(source="plaid", entries=[OLD, NEW, GEV]).by_external_id
    entered = [row("cash/deposit", BOUGHT, -3000), row("buy/buy", BOUGHT, 3000, OLD, 100)]
    ledger.record_transactions(accounts={"": account}, securities=known, source="manual", entries=entered, today=TODAY)
    map_securities(security_ids=[security.pk for security in known.values()])
    return account


@pytest.fixture
def operator(staff: Any, client: Client) -> Client:
    staff.is_superuser = True
    staff.save(update_fields=["is_superuser"])
    client.force_login(staff)
    return client


def enter(operator: Client, line: str) -> None:
    """As an operator does: looks at what it would do, then confirms."""
    form = {"lines": line, "reason": "The company says so"}
    shown = operator.post(ADD, form)
    done = operator.post(ADD, {**form, "confirmed": shown.context["digest"]}, follow=True)
    assert "1 corrected; 1 accounts will be rebuilt" in done.content.decode()


def work(account: Account) -> None:
    rebuild(account)
    recompute_lots(owner_id=account.owner_id)


def open_lots(account: Account) -> dict[str, tuple[date | None, Decimal, Decimal | None]]:
    found = TaxLot.objects.filter(account=account).select_related("security")
    return {str(lot.security): (lot.opened, lot.quantity, lot.cost) for lot in found}


@pytest.mark.parametrize(
    ("line", "lots", "form", "cash", "value"),
    [
        # 5 % more units share the cost.
        (f"stock_dividend,OLD,{EX_DATE},1.05", {"OLD": (105, 3000)}, [], 0, 5250),
        # Of the basis 20 % goes to the child; its lots are as old as the parent's.
        (f"spin_off,OLD,{EX_DATE},0.5,GEV,0.2", {"OLD": (100, 2400), "GEV": (50, 600)}, [], 0, 5500),
        # 50 NEW at 80 and 1,000 of cash for what cost 3,000: of the gain of 2,000 the cash counts, the basis stays.
        (f"merger,OLD,{EX_DATE},0.5,NEW,10,40", {"NEW": (50, 3000)}, [BOOT], 1000, 5000),
        (f"merger,OLD,{EX_DATE},,,60", {}, [("100 OLD", 6000, 3000, 3000)], 6000, 6000),
        # One paper by another name: it goes on with the prices that it had.
        (f"symbol_change,OLD,{EX_DATE},NEW", {"NEW": (100, 3000)}, [], 0, 5000),
        # Worthless: the whole basis is a loss.
        (f"delisting,OLD,{EX_DATE},0", {}, [("100 OLD", 0, 3000, -3000)], 0, 0),
    ],
)  # fmt: skip
def test_an_operators_line_reaches_everything_that_its_holders_see(
    account: Account, operator: Client, api: Callable[..., WebClient], line: str,
    lots: dict[str, tuple[int, int]], form: list[tuple[str, int, int, int]], cash: int, value: int,
) -> None:  # fmt: skip
    enter(operator, line)
    work(account)
    assert open_lots(account) == {name: (BOUGHT, units, cost) for name, (units, cost) in lots.items()}
    held = {
        str(one.security): (one.quantity, one.cost_basis) for one in account.holdings.held().select_related("security")
    }
    assert held == lots
    account.refresh_from_db()
    assert account.uninvested_cash == cash
    assert values_of(account)[TODAY] == value

    browser = Client()
    browser.force_login(account.owner)
    page = browser.get("/tax/", {"year": EX_DATE.year}).content.decode()
    holdings = browser.get("/holdings/").content.decode()
    for name in lots:
        assert name in page
        assert name in holdings
    told = api(account.owner).get("/api/v1/tax/form-8949", {"year": EX_DATE.year}).json()["rows"]
    figures = [(each["description"], *(D(each[name]) for name in ("proceeds", "basis", "gain"))) for each in told]
    assert figures == form
    for description, *_ in form:
        assert description in page


def test_what_an_operator_voids_never_happened(account: Account, operator: Client) -> None:
    enter(operator, f"delisting,OLD,{EX_DATE},0")
    work(account)
    assert RealizedLot.objects.get(account=account).gain == -3000
    enter(operator, f"void,OLD,{EX_DATE},delisting")
    work(account)
    assert not RealizedLot.objects.filter(account=account).exists()
    assert open_lots(account) == {"OLD": (BOUGHT, 100, 3000)}


def test_what_the_owner_enters_of_a_merger_is_the_same(account: Account, api: Callable[..., WebClient]) -> None:
    """100 OLD leave, 50 NEW worth 4,000 come, 1,000 of cash beside them: as the operator's line above."""
    client = api(account.owner)
    told: dict[str, Any] = {"account_id": account.pk, "type": "transfer", "subtype": "merger", "date": str(EX_DATE)}
    for each in (
        {"ticker": "OLD", "quantity": "-100", "amount": "0"},
        {"ticker": "NEW", "quantity": "50", "amount": "4000"},
        {"ticker": "OLD", "amount": "-1000"},
    ):
        answer = client.post("/api/v1/transactions", told | each, format="json")
        assert answer.status_code == 201, answer.json()
    work(account)
    assert open_lots(account) == {"NEW": (BOUGHT, 50, 3000)}
    assert RealizedLot.objects.get(account=account).gain == 1000
    account.refresh_from_db()
    assert account.uninvested_cash == 1000
    assert values_of(account)[TODAY] == 5000


def test_an_opening_balance_is_accepted_corrected_and_taken_back(
    account: Account, api: Callable[..., WebClient]
) -> None:
    """More is sold than was ever bought: the page proposes what is missing, and the lots follow each step."""
    client = api(account.owner)
    sale = {"account_id": account.pk, "type": "sell", "ticker": "OLD", "date": str(EX_DATE), "quantity": "-140",
            "price": "50"}  # fmt: skip
    assert client.post("/api/v1/transactions", sale, format="json").status_code == 201
    work(account)
    browser = Client()
    browser.force_login(account.owner)
    (fix,) = browser.get("/tax/").context["fixes"]
    assert fix.form.initial["quantity"] == "40"
    accepted = {**fix.form.initial, "date": str(BOUGHT - timedelta(days=400)), "cost": "800"}
    assert browser.post("/tax/opening/", accepted).status_code == 302
    work(account)
    assert not browser.get("/tax/").context["fixes"]
    # The 40 of before cost 800 and are sold first: 2,000 - 800 long term, 5,000 - 3,000 short term.
    assert sorted(lot.gain for lot in RealizedLot.objects.filter(account=account)) == [1200, 2000]

    (opening,) = client.get("/api/v1/transactions", {"subtype": "opening balance"}).json()["items"]
    at = f"/api/v1/transactions/{opening['id']}"
    assert client.patch(at, {"amount": "1000"}, format="json", headers={"If-Match": '"1"'}).status_code == 200
    stale = client.patch(at, {"amount": "900"}, format="json", headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["current"]["version"]) == (409, 2)
    work(account)
    assert sorted(lot.gain for lot in RealizedLot.objects.filter(account=account)) == [1000, 2000]
    assert client.delete(at, headers={"If-Match": '"1"'}).status_code == 409
    assert client.delete(at, headers={"If-Match": '"2"'}).status_code in (200, 204)
    work(account)
    assert len(browser.get("/tax/").context["fixes"]) == 1
