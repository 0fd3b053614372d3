from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from investments import ledger
from investments.entries import HoldingEntry
from investments.models import Holding
from investments.tests.conftest import Books

NOW = datetime(2026, 11, 20, 22, tzinfo=UTC)
LATER = datetime(2026, 11, 21, 22, tzinfo=UTC)


def held(security: str = "aapl", **given: Any) -> HoldingEntry:
    entry = {
        "account_external_id": "brokerage",
        "security_external_id": security,
        "quantity": Decimal(10),
        "institution_price": Decimal("187.5"),
        "institution_value": Decimal(1875),
        "institution_price_as_of": date(2026, 11, 20),
        "cost_basis": Decimal(1500),
        **given,
    }
    return HoldingEntry(**entry)


def replace(
    books: Books, *entries: HoldingEntry, now: datetime = NOW, unread: Sequence[tuple[str, str]] = ()
) -> ledger.HoldingsWritten:
    return ledger.replace_holdings(
        accounts=books.accounts, securities=books.securities, source="plaid", entries=entries, now=now, unread=unread
    )


def test_a_snapshot_becomes_what_is_held(books: Books) -> None:
    written = replace(books, held("aapl"), held("vti", cost_basis=None))
    assert (written.inserted, written.total) == (2, 2)
    apple = Holding.objects.get(security__ticker_symbol="AAPL")
    assert (apple.quantity, apple.institution_value, apple.cost_basis) == (10, 1875, 1500)
    assert apple.owner_id == books.account.owner_id


def test_an_unknown_basis_stays_unknown_and_never_becomes_zero(books: Books) -> None:
    replace(books, held(cost_basis=None))
    assert Holding.objects.get().cost_basis is None


def test_the_same_snapshot_again_changes_nothing(books: Books) -> None:
    replace(books, held("aapl"), held("vti"))
    version, updated = books.account.ledger_version, Holding.objects.first().updated_at
    assert replace(books, held("vti"), held("aapl"), now=LATER).total == 0
    assert books.account.ledger_version == version
    assert Holding.objects.first().updated_at == updated


def test_only_what_changed_is_counted(books: Books) -> None:
    replace(books, held("aapl"), held("vti"))
    written = replace(books, held("aapl", quantity=Decimal(11)), held("vti"), now=LATER)
    assert (written.inserted, written.changed, written.removed) == (0, 1, 0)


def test_what_is_gone_is_removed_softly_and_may_come_back(books: Books) -> None:
    replace(books, held("aapl"), held("vti"))
    assert replace(books, held("vti"), now=LATER).removed == 1
    assert [row.security.ticker_symbol for row in Holding.objects.held()] == ["VTI"]
    assert Holding.objects.get(security__ticker_symbol="AAPL").removed_at == LATER
    assert replace(books, held("vti"), now=LATER).total == 0
    assert replace(books, held("aapl"), held("vti"), now=LATER).changed == 1
    assert Holding.objects.held().count() == 2


def test_rows_of_one_position_are_added_up(books: Books) -> None:
    replace(books, held(), held(quantity=Decimal(5), institution_value=Decimal("937.5"), cost_basis=None))
    row = Holding.objects.get()
    assert (row.quantity, row.institution_value, row.cost_basis) == (15, Decimal("2812.5"), None)
    assert row.source_metadata == {"rows_merged": 2}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"security_external_id": "unheard-of"}, "security"),
        ({"account_external_id": "nobody"}, "account"),
        ({"quantity": Decimal("1E+18")}, "quantity"),
        ({"institution_value": Decimal("NaN")}, "institution_value"),
    ],
)
def test_a_bad_row_is_refused_and_the_rest_goes_on(books: Books, wrong: dict[str, Any], field: str) -> None:
    written = replace(books, held("vti"), held(**wrong))
    assert [row.security.ticker_symbol for row in Holding.objects.all()] == ["VTI"]
    assert [(found.kind, found.field) for found in written.findings] == [("refused", field)]


def test_a_holding_told_in_garbage_stays_as_it_was(books: Books) -> None:
    replace(books, held("aapl"), held("vti"))
    written = replace(books, held("aapl", quantity=Decimal("1E+400")), held("vti"), now=LATER)
    assert written.total == 0
    assert Holding.objects.held().count() == 2


@pytest.mark.parametrize(
    "unread", [("brokerage", "aapl"), ("brokerage", ""), ("", "aapl"), ("", ""), ("nobody", "aapl")]
)
def test_a_holding_that_could_not_be_read_stays_as_it_was(books: Books, unread: tuple[str, str]) -> None:
    replace(books, held("aapl"), held("vti"))
    assert replace(books, held("vti"), now=LATER, unread=[unread]).total == 0
    assert Holding.objects.held().count() == 2
    assert replace(books, held("vti"), now=LATER, unread=[("brokerage", "vti")]).removed == 1


def test_a_position_of_which_only_a_part_could_be_read_stays_as_it_was(books: Books) -> None:
    """Two lots, of which one is garbage, are not one lot."""
    replace(books, held("aapl", quantity=Decimal(15)))
    assert replace(books, held("aapl", quantity=Decimal(5)), now=LATER, unread=[("brokerage", "aapl")]).total == 0
    assert Holding.objects.get().quantity == 15


def test_nothing_is_removed_while_a_security_cannot_be_told(books: Books) -> None:
    replace(books, held("aapl"), held("vti"))
    assert replace(books, held("vti"), held("unheard-of"), now=LATER).total == 0
    assert Holding.objects.held().count() == 2
