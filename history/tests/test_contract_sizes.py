"""Options that are not for a hundred: what an operator says of one holds wherever it is valued, on every day."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from history import claims
from history.market.correction_lines import BadCorrection
from history.market.corrections import correct, preview
from history.models import AccountHistory, Correction
from history.reconstruction.rebuild import rebuild_accounts
from history.snapshots import take_snapshot
from history.tests.ledgers import CASH, book, checksum, days_of, evening, holding, noon, row
from history.valuation import account_worths
from investments import ledger
from investments.entries import SecurityEntry
from investments.models import Account, Security

pytestmark = pytest.mark.django_db

THURSDAY, FRIDAY = date(2026, 11, 19), date(2026, 11, 20)
CALL = SecurityEntry(
    "call", ticker_symbol="XYZ1  260619C00050000", type="derivative", option_contract_type="call",
    iso_currency_code="USD",
)  # fmt: skip
LINE = "contract_size,xyz1260619c00050000,2026-02-02,150"


@pytest.fixture(autouse=True)
def market(settings: Any) -> None:
    settings.MARKET_DATA_PROVIDERS = ["stored"]
    settings.HISTORY_DAYS = 10


def account(owner: Any, name: str = "Brokerage") -> Account:
    """Two contracts bought a week ago at 2.00, which the brokerage values at 3.00 on Thursday and no longer."""
    bought = replace(row("buy/buy", FRIDAY - timedelta(days=7), 600, CALL, 2), price=Decimal(2))
    held = holding(CALL, 2, 3, value=900, as_of=THURSDAY)
    return book(owner, name, securities=[CALL], holdings=[held], transactions=[bought], on=FRIDAY)


def test_every_day_follows(owner: Any, other: Any) -> None:
    mine, others = account(owner), book(other, holdings=[holding(CASH, 5)], on=FRIDAY)
    ids = [mine.pk, others.pk]
    rebuild_accounts(account_ids=ids, now=evening(FRIDAY))
    take_snapshot(day=THURSDAY, trigger="nightly", now=noon(FRIDAY))
    assert days_of(mine)[THURSDAY - timedelta(days=2)][0] == 400  # as if each were for a hundred
    assert correct(text=LINE, reason="OCC memo", operator="op@example.com").account_ids == {mine.pk}
    assert not AccountHistory.objects.filter(pk=others.pk).exclude(stale_from=None).exists()
    rebuild_accounts(account_ids=ids, now=evening(FRIDAY))
    assert {day: figures[0] for day, figures in days_of(mine).items() if day > FRIDAY - timedelta(days=9)} == {
        FRIDAY - timedelta(days=back): value for back, value in enumerate([900, 900, 600, 600, 600, 600, 600, 600, 600])
    }
    incremental = checksum(ids)
    claims.restart(account_ids=ids)
    rebuild_accounts(account_ids=ids, now=evening(FRIDAY))
    assert checksum(ids) == incremental


def test_it_is_shown_first_and_written_down(owner: Any) -> None:
    account(owner)
    shown = preview(text=LINE)
    assert [(change.before, change.after) for change in shown.changes] == [("100", "150 (operator)")]
    assert Security.objects.get(external_id="call").contract_size is None
    correct(text=LINE, reason="OCC memo", operator="op@example.com")
    kept = Correction.objects.get()
    assert (str(kept), kept.accounts) == ("contract_size XYZ1  260619C00050000 2026-02-02", 1)
    assert Security.objects.get(external_id="call").multiplier == 150


def test_what_a_source_tells_later_does_not_undo_it(owner: Any) -> None:
    account(owner)
    correct(text=LINE, reason="OCC memo", operator="op@example.com")
    ledger.upsert_securities(source="plaid", entries=[replace(CALL, contract_size=Decimal(10), name="XYZ call")])
    assert Security.objects.values_list("name", "contract_size").get(external_id="call") == ("XYZ call", 150)


def test_an_account_kept_by_hand_is_worth_it_too(owner: Any) -> None:
    """Nobody tells its holdings: they, and their value, follow from the transactions."""
    from investments.models import Holding

    kept = account(owner)
    Account.objects.filter(pk=kept.pk).update(source="manual")
    Security.objects.filter(external_id="call").update(contract_size=None)
    correct(text=LINE, reason="OCC memo", operator="op@example.com")
    assert Holding.objects.get(account=kept).institution_value == 600
    rebuild_accounts(account_ids=[kept.pk], now=evening(FRIDAY))
    assert account_worths(account_ids=[kept.pk], now=evening(FRIDAY))[0].value == days_of(kept)[FRIDAY][0]


@pytest.mark.parametrize(
    "line", ["contract_size,NONE,2026-02-02,150", LINE.replace("150", "0"), LINE.replace(",150", "")]
)
def test_what_cannot_be_meant_is_refused(owner: Any, line: str) -> None:
    account(owner)
    with pytest.raises(BadCorrection, match="Line 1, s"):
        correct(text=line, reason="OCC memo", operator="op@example.com")
