import gzip
import json
import time
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from plaid_link.sources.base import Snapshot, SourceError
from plaid_link.sources.plaid import PlaidSource, client
from plaid_link.tests.scripted import (
    HOLDINGS,
    TRANSACTIONS,
    Raw,
    ScriptedPlaid,
    account,
    error,
    holding,
    holdings_answer,
    paged,
    security,
    transaction,
    transactions_answer,
)

START, END = date(2026, 10, 22), date(2026, 11, 21)


def snapshot() -> Snapshot:
    return PlaidSource(client(), "access-sandbox-secret").snapshot(start=START, end=END)


def failure() -> SourceError:
    with pytest.raises(SourceError) as caught:
        snapshot()
    return caught.value


class TestReading:
    def test_every_digit_that_was_sent_arrives(self, scripted: ScriptedPlaid) -> None:
        digits = "47.7410424299285212345"
        body = json.dumps(holdings_answer(holding(quantity=0))).replace('"quantity": 0', f'"quantity": {digits}')
        scripted.answers[HOLDINGS] = Raw(body.encode())
        assert snapshot().holdings[0].quantity == Decimal(digits)

    def test_what_was_not_told_is_not_made_up(self, scripted: ScriptedPlaid) -> None:
        scripted.answers[HOLDINGS] = holdings_answer(holding(cost_basis=None, institution_price_as_of=None))
        row = snapshot().holdings[0]
        assert (row.cost_basis, row.institution_price_as_of) == (None, None)

    def test_accounts_that_hold_no_investments_are_ignored(self, scripted: ScriptedPlaid) -> None:
        accounts = [account(), account("checking", type="depository", subtype="checking")]
        scripted.answers[HOLDINGS] = holdings_answer(holding(), holding(account_id="checking"), accounts=accounts)
        rows = [transaction(), transaction("t2", account_id="checking")]
        scripted.answers[TRANSACTIONS] = paged(rows, accounts=accounts)
        found = snapshot()
        assert [row.external_id for row in found.accounts] == ["acc"]
        assert {row.account_external_id for row in (*found.holdings, *found.transactions)} == {"acc"}
        assert found.findings == ()

    def test_options_and_bonds_keep_their_terms(self, scripted: ScriptedPlaid) -> None:
        contract = {
            "contract_type": "call",
            "expiration_date": "2027-01-15",
            "strike_price": 200.5,
            "underlying_security_ticker": "AAPL",
        }
        terms = {
            "maturity_date": "2030-05-15",
            "face_value": 1000,
            "yield_rate": {"percentage": 4.25, "type": "coupon"},
        }
        option = security("call", type="derivative", option_contract=contract)
        bond = security("bond", type="fixed income", fixed_income=terms)
        scripted.answers[HOLDINGS] = holdings_answer(securities=[option, bond])
        scripted.answers[TRANSACTIONS] = paged([], securities=[])
        by_id = {row.external_id: row for row in snapshot().securities}
        assert (by_id["call"].option_strike_price, by_id["call"].option_expiration_date) == (
            Decimal("200.5"),
            date(2027, 1, 15),
        )
        assert by_id["bond"].fixed_income["yield_rate"] == {"percentage": "4.25", "type": "coupon"}

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"quantity": None}, "quantity"),
            ({"quantity": "ten"}, "quantity"),
            ({"quantity": True}, "quantity"),
            ({"security_id": None}, "security_id"),
            ({"cost_basis": [1]}, "cost_basis"),
            ({"institution_price": None, "institution_value": None}, "institution_price"),
            ({"institution_price_as_of": "yesterday"}, "institution_price_as_of"),
        ],
    )
    def test_a_holding_that_cannot_be_read_is_named_and_the_rest_goes_on(
        self, scripted: ScriptedPlaid, wrong: dict[str, Any], field: str
    ) -> None:
        scripted.answers[HOLDINGS] = holdings_answer(holding(), holding(**{"security_id": "bad", **wrong}))
        found = snapshot()
        assert [row.security_external_id for row in found.holdings] == ["aapl"]
        assert [(finding.kind, finding.field) for finding in found.findings] == [("refused", field)]
        assert found.unread_holdings == {("acc", "" if field == "security_id" else "bad")}

    def test_a_price_or_a_value_alone_gives_the_other(self, scripted: ScriptedPlaid) -> None:
        scripted.answers[HOLDINGS] = holdings_answer(
            holding(institution_price=None), holding("vti", institution_value=None)
        )
        by_price, by_value = snapshot().holdings
        assert by_price.institution_price == Decimal("187.5")
        assert by_value.institution_value == 1875

    def test_a_refused_transaction_still_counts_as_listed(self, scripted: ScriptedPlaid) -> None:
        scripted.answers[TRANSACTIONS] = paged([transaction(), transaction("bad", date=None)])
        found = snapshot()
        assert [row.external_id for row in found.transactions] == ["t1"]
        assert found.listed == {"t1", "bad"}

    def test_a_transaction_without_an_id_means_that_absence_proves_nothing(self, scripted: ScriptedPlaid) -> None:
        scripted.answers[TRANSACTIONS] = paged([transaction(), transaction(None)])
        assert snapshot().listed is None

    def test_a_missing_type_is_kept_as_other_and_said(self, scripted: ScriptedPlaid) -> None:
        scripted.answers[TRANSACTIONS] = paged([transaction(type=None, subtype=None)])
        row = snapshot().transactions[0]
        assert (row.type, row.subtype) == ("other", "")
        assert "type" in row.repairs[0]


class TestPages:
    def rows(self, count: int) -> list[dict[str, Any]]:
        return [transaction(f"t{number}") for number in range(count)]

    def offsets(self, plaid: ScriptedPlaid) -> list[int]:
        return [body["options"]["offset"] for body in plaid.asked_of(TRANSACTIONS)]

    def test_all_of_more_than_one_page_arrive_once(self, scripted: ScriptedPlaid) -> None:
        scripted.answers[TRANSACTIONS] = paged(self.rows(1203))
        assert [row.external_id for row in snapshot().transactions] == [f"t{number}" for number in range(1203)]
        assert self.offsets(scripted) == [0, 500, 1000]

    def test_the_offset_follows_the_rows_received(self, scripted: ScriptedPlaid) -> None:
        rows = self.rows(500)

        def short_pages(request: dict[str, Any]) -> dict[str, Any]:
            offset = request["options"]["offset"]
            return transactions_answer(*rows[offset : offset + 200], total=500)

        scripted.answers[TRANSACTIONS] = short_pages
        assert len(snapshot().transactions) == 500
        assert self.offsets(scripted) == [0, 200, 400]

    def test_a_total_that_moves_between_pages_is_read_anew(self, scripted: ScriptedPlaid) -> None:
        rows = self.rows(600)

        def shifting(request: dict[str, Any]) -> dict[str, Any]:
            if len(scripted.asked_of(TRANSACTIONS)) == 2:
                rows.insert(0, transaction("new"))
            return dict(paged(rows)(request))

        scripted.answers[TRANSACTIONS] = shifting
        found = snapshot()
        assert self.offsets(scripted) == [0, 500, 0, 500]
        assert len(found.transactions) == 601
        assert {row.external_id for row in found.transactions} == {row["investment_transaction_id"] for row in rows}

    def test_a_list_that_never_rests_is_left_for_later(self, scripted: ScriptedPlaid) -> None:
        rows = self.rows(501)

        def restless(request: dict[str, Any]) -> dict[str, Any]:
            rows.append(transaction(f"t{len(rows)}"))
            return dict(paged(rows)(request))

        scripted.answers[TRANSACTIONS] = restless
        assert (failure().code, failure().permanent) == ("PRODUCT_NOT_READY", False)

    def test_a_page_that_ends_too_soon_does_not_go_on_for_ever(self, scripted: ScriptedPlaid) -> None:
        scripted.answers[TRANSACTIONS] = lambda request: transactions_answer(
            *([] if request["options"]["offset"] else [transaction()]), total=7
        )
        assert failure().code == "PRODUCT_NOT_READY"

    def test_a_row_on_two_pages_is_one(self, scripted: ScriptedPlaid) -> None:
        scripted.answers[TRANSACTIONS] = paged([*self.rows(500), transaction("t499")])
        assert len(snapshot().transactions) == 500


class TestFailure:
    @pytest.mark.parametrize(
        "body",
        [
            Raw(b"<html>Service temporarily at lunch</html>", headers={"Content-Type": "text/html"}),
            Raw(b'{"accounts": [{"account_id": "a'),
            Raw(b"[]"),
            Raw(b'{"accounts": [], "holdings": NaN, "securities": []}'),
            Raw(b'{"accounts": [], "holdings": null, "securities": []}'),
            Raw(b'{"accounts": [], "securities": []}'),
            Raw(b"[" * 200_000),
            Raw(b"\xff\xfe\x00"),
            Raw(b"not gzip", headers={"Content-Encoding": "gzip"}),
            Raw(gzip.compress(b" " * (65 * 2**20)), headers={"Content-Encoding": "gzip"}),
            Raw(b"\xff", status=400),
        ],
        ids=["html", "truncated", "list", "NaN", "null", "missing", "deep", "utf-16", "gzip", "bomb", "bytes"],
    )
    def test_an_answer_that_cannot_be_read_is_not_believed(self, scripted: ScriptedPlaid, body: Raw) -> None:
        scripted.answers[HOLDINGS] = body
        found = failure()
        assert (found.code, found.permanent) == ("UNREADABLE_ANSWER", False)

    def test_a_provider_that_hangs_is_left_in_time(self, scripted: ScriptedPlaid, settings: Any) -> None:
        settings.PLAID_TIMEOUT_SECONDS = 0.3
        scripted.answers[HOLDINGS] = Raw(b"{}", delay=3)
        began = time.monotonic()
        assert failure().code == "UNREACHABLE"
        assert time.monotonic() - began < 2

    def test_a_provider_that_is_not_there(self, settings: Any) -> None:
        settings.PLAID_HOST = "http://127.0.0.1:9"
        assert (failure().code, failure().permanent) == ("UNREACHABLE", False)

    @pytest.mark.parametrize(
        ("code", "status", "permanent"),
        [
            ("ITEM_LOGIN_REQUIRED", 400, True),
            ("USER_PERMISSION_REVOKED", 400, True),
            ("NO_INVESTMENT_ACCOUNTS", 400, True),
            ("PRODUCT_NOT_READY", 400, False),
            ("INSTITUTION_DOWN", 400, False),
            ("INVESTMENT_HOLDINGS_GET_LIMIT", 429, False),
            ("INTERNAL_SERVER_ERROR", 500, False),
            ("SOMETHING_NEW", 400, False),
        ],
    )
    def test_plaids_errors_tell_whether_waiting_helps_and_what_to_do(
        self, scripted: ScriptedPlaid, code: str, status: int, permanent: bool
    ) -> None:
        scripted.answers[HOLDINGS] = error(code, status=status)
        found = failure()
        assert (found.code, found.permanent) == (code, permanent)
        assert str(found).endswith(".")
        assert "secret" not in str(found) + repr(found)

    def test_a_limit_says_how_long_to_wait(self, scripted: ScriptedPlaid) -> None:
        scripted.answers[HOLDINGS] = error("RATE_LIMIT", status=429, headers={"Retry-After": "7"})
        assert failure().retry_after == 7

    def test_the_token_is_in_no_repr(self) -> None:
        assert "secret" not in repr(PlaidSource(client(), "access-sandbox-secret"))
