from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from investments.entries import AccountEntry, HoldingEntry, SecurityEntry, TransactionEntry
from plaid_link.sources.plaid import repairs

SECURITIES = {
    "aapl": SecurityEntry("aapl", ticker_symbol="AAPL", type="equity"),
    "call": SecurityEntry("call", type="derivative", option_contract_type="call"),
    "bond": SecurityEntry("bond", type="fixed income"),
    "usd": SecurityEntry("usd", ticker_symbol="CUR:USD", type="cash"),
    "btc": SecurityEntry("btc", ticker_symbol="CUR:BTC", type="cryptocurrency"),
}


def held(security: str, quantity: Any, price: Any, value: Any, basis: Any = None) -> HoldingEntry:
    return HoldingEntry(
        "acc",
        security,
        Decimal(quantity),
        Decimal(price),
        Decimal(value),
        cost_basis=None if basis is None else Decimal(basis),
    )


def traded(quantity: Any, price: Any, amount: Any, **given: Any) -> TransactionEntry:
    entry = {"external_id": "t", "account_external_id": "acc", "type": "buy", "date": date(2026, 3, 2), **given}
    return TransactionEntry(
        **entry,
        security_external_id="call",
        quantity=Decimal(quantity),
        price=Decimal(price),
        amount=Decimal(amount),
    )


class TestOptions:
    def repaired(self, *holdings: HoldingEntry) -> list[HoldingEntry]:
        in_shares = repairs.options_in_shares(SECURITIES, holdings, [])
        return [repairs.repaired_holding(row, SECURITIES, in_shares) for row in holdings]

    @pytest.mark.parametrize(
        ("told", "contracts", "price"),
        [
            (held("call", 2, "3.50", 700), 2, "3.50"),
            (held("call", 200, "3.50", 700), 2, "3.50"),
            (held("call", 2, 350, 700), 2, "3.50"),
            (held("call", -100, "1.02", -102), -1, "1.02"),
            (held("call", -1, "1.02", -102), -1, "1.02"),
            (held("call", 3, "0.333", "99.93"), 3, "0.333"),
            (held("call", 0, 0, 0), 0, 0),
        ],
    )
    def test_are_kept_in_contracts_priced_per_share(self, told: HoldingEntry, contracts: int, price: str) -> None:
        (row,) = self.repaired(told)
        assert (row.quantity, row.institution_price) == (contracts, Decimal(price))
        assert row.institution_value == told.institution_value
        assert bool(row.source_metadata.get("repairs")) == (row != told)

    def test_of_other_securities_nothing_is_changed(self) -> None:
        told = held("aapl", 200, "3.50", 700)
        assert self.repaired(told) == [told]

    def test_an_expiry_without_an_amount_follows_the_purchase(self) -> None:
        rows = [traded(200, "3.50", 700), traded(-200, 0, 0, type="transfer", subtype="expire")]
        in_shares = repairs.options_in_shares(SECURITIES, [], rows)
        assert [repairs.repaired_transaction(row, SECURITIES, in_shares).quantity for row in rows] == [2, -2]

    def test_an_expiry_alone_follows_what_was_known(self) -> None:
        row = repairs.repaired_transaction(traded(-200, 0, 0, type="transfer"), SECURITIES, {"call"})
        assert (row.quantity, row.repairs) == (-2, (repairs.IN_SHARES,))

    def test_fees_do_not_hide_the_unit(self) -> None:
        row = traded(100, "0.10", "10.65", fees=Decimal("0.65"))
        assert repairs.options_in_shares(SECURITIES, [], [row]) == {"call"}


class TestBonds:
    def test_quoted_per_100_of_par_is_told_by_the_value(self) -> None:
        rows = [held("bond", 10_000, "98.5", 9_850)]
        assert repairs.bonds_per_100(SECURITIES, rows, []) == {"bond"}
        assert repairs.quoted_per_100(SECURITIES["bond"]).fixed_income == {"quoted_per_100": True}

    def test_a_bond_priced_per_unit_is_not(self) -> None:
        assert repairs.bonds_per_100(SECURITIES, [held("bond", 10, 985, 9_850)], []) == set()

    def test_that_have_matured_tell_by_their_trades(self) -> None:
        bought = replace(traded(6000, "98.10", "5886.00"), security_external_id="bond")
        assert repairs.bonds_per_100(SECURITIES, [], [bought]) == {"bond"}


class TestBasis:
    @pytest.mark.parametrize(
        ("told", "basis"),
        [
            (held("aapl", 100, 150, 15_000, 140), 14_000),
            (held("aapl", -100, 150, -15_000, 140), 14_000),
            (held("aapl", 100, 150, 15_000, 14_000), 14_000),
            (held("aapl", 100, 150, 15_000, None), None),
            (held("aapl", 3, 150, 450, 140), 140),
            (held("usd", 5_000, 1, 5_000, 1), 1),
            (held("aapl", 100, 150, 15_000, "0"), 0),
        ],
        ids=["per share", "short", "total", "unknown", "too few to tell", "cash", "zero"],
    )
    def test_is_of_the_whole_position(self, told: HoldingEntry, basis: int | None) -> None:
        (row,) = repairs.with_total_basis([told], SECURITIES)
        assert row.cost_basis == basis
        assert bool(row.source_metadata) == (row != told)

    def test_one_share_that_did_well_among_plain_rows_is_believed(self) -> None:
        plain = [held("aapl", 100, 150, 15_000, 14_000), held("aapl", 50, 20, 1_000, 900)]
        winner = held("aapl", 20, 200, 4_000, 200)
        assert repairs.with_total_basis([*plain, winner], SECURITIES)[-1].cost_basis == 200

    def test_an_account_that_tells_per_unit_does_so_for_few_units_too(self) -> None:
        rows = [held("aapl", 100, 150, 15_000, 140), held("aapl", 3, 150, 450, 140)]
        assert [row.cost_basis for row in repairs.with_total_basis(rows, SECURITIES)] == [14_000, 420]

    def test_what_would_become_absurd_stays(self) -> None:
        rows = [held("aapl", 100, 150, 15_000, 140), held("btc", "0.00293644", "19999.54", "58.7274", "120.03")]
        assert repairs.with_total_basis(rows, SECURITIES)[-1].cost_basis == Decimal("120.03")


class TestCash:
    def cash(self, available: Any, current: Any, *holdings: HoldingEntry) -> tuple[Decimal | None, str]:
        account = AccountEntry(
            "acc",
            "Brokerage",
            balance_available=None if available is None else Decimal(available),
            balance_current=None if current is None else Decimal(current),
        )
        (row,) = repairs.with_cash([account], holdings, SECURITIES)
        return row.uninvested_cash, row.cash_source

    def test_a_holding_carries_it_and_the_balance_is_not_counted_again(self) -> None:
        assert self.cash(500, 15_500, held("usd", 500, 1, 500), held("aapl", 100, 150, 15_000)) == (0, "holding")

    @pytest.mark.parametrize(
        ("available", "current", "cash", "source"),
        [
            (500, 15_500, 500, "balance"),
            (2_000, 15_500, 500, "balance"),
            (500, None, 500, "balance"),
            (500, 14_000, 0, "balance"),
            (None, 15_500, 0, "none"),
            (-20, 14_980, 0, "none"),
        ],
    )
    def test_else_it_is_the_balance_that_no_holding_explains(
        self, available: Any, current: Any, cash: int, source: str
    ) -> None:
        assert self.cash(available, current, held("aapl", 100, 150, 15_000)) == (cash, source)

    def test_crypto_is_not_cash(self) -> None:
        assert self.cash(10, 68, held("btc", "0.003", 19_333, 58)) == (10, "balance")


class TestContractSizes:
    OPTIONS = {
        ticker: replace(SECURITIES["call"], external_id=ticker, ticker_symbol=ticker)
        for ticker in ("XYZ1260619C00050000", "XYZ7  260619C00050000", "XYZ260619C00050000", "")
    }

    @pytest.mark.parametrize(
        ("ticker", "value", "size"),
        [
            ("XYZ1260619C00050000", 1050, 150),
            ("XYZ7  260619C00050000", 70, 10),
            ("XYZ1260619C00050000", 700, None),  # adjusted, and still for 100
            ("XYZ1260619C00050000", 7, None),  # told per contract
            ("XYZ1260619C00050000", "731.5", None),  # no whole number
            ("XYZ260619C00050000", 1050, None),  # of a plain contract another price is meant
            ("", 1050, None),
        ],
    )
    def test_an_adjusted_contract_tells_by_its_value(self, ticker: str, value: Any, size: int | None) -> None:
        found = repairs.contract_sizes(self.OPTIONS, [held(ticker, 2, "3.50", value)], [])
        assert found == ({} if size is None else {ticker: size})

    def test_a_value_of_that_size_needs_no_remark(self) -> None:
        sized = {"call": replace(SECURITIES["call"], contract_size=Decimal(150))}
        told = held("call", 2, "3.50", 1050)
        assert repairs.with_value_remark(told, sized, set()) == told
        assert repairs.with_value_remark(told, SECURITIES, set()) != told


class TestInflationLinkedBonds:
    TIPS = {
        "bond": replace(SECURITIES["bond"], subtype="treasury inflation protected securities"),
        "plain": replace(SECURITIES["bond"], external_id="plain"),
    }

    def repaired(self, told: HoldingEntry) -> HoldingEntry:
        per_100 = repairs.bonds_per_100(self.TIPS, [told], [])
        return repairs.repaired_holding(told, self.TIPS, set(), per_100)

    @pytest.mark.parametrize(
        ("security", "value", "price"),
        [
            ("bond", "12250", "122.50"),
            ("bond", "10094", "100.94"),  # risen by 3 %
            ("bond", "9800", 98),
            ("plain", "12250", "122.50"),  # no subtype is told
            ("plain", "10094", 98),  # accrued interest
        ],
    )
    def test_are_priced_with_what_prices_have_risen_by(self, security: str, value: Any, price: Any) -> None:
        row = self.repaired(held(security, 10000, 98, value))
        assert row.institution_price == Decimal(price)
        assert bool(row.source_metadata.get("repairs")) == (row.institution_price != 98)

    def test_and_so_is_what_was_paid_for_them(self) -> None:
        bought = replace(traded(10000, 98, 12250), security_external_id="bond")
        per_100 = repairs.bonds_per_100(self.TIPS, [], [bought])
        row = repairs.repaired_transaction(bought, self.TIPS, set(), per_100)
        assert (per_100, row.price, row.repairs) == ({"bond"}, Decimal("122.50"), (repairs.INDEXED,))

    def test_a_bond_quoted_in_units_is_none_of_them(self) -> None:
        assert repairs.bonds_per_100(self.TIPS, [held("bond", 10, "102.5", 1025)], []) == set()
