"""Pages of transactions, and faults on demand."""

from datetime import UTC, date, datetime, timedelta

import httpx
import pytest

TODAY = date.today()  # noqa: DTZ011
PATH = "/investments/transactions/get"
HOLDINGS = "/investments/holdings/get"


def page(server, access, *, days=730, **options):
    start = TODAY - timedelta(days=days)
    return server.call(PATH, access_token=access, start_date=str(start), end_date=str(TODAY), options=options)


def error_of(answer):
    return answer.json()["error_code"]


def test_pages_by_offset_hold_every_row_once(plaid_server):
    access, _ = plaid_server.link("user_trader")
    pages = [page(plaid_server, access, count=500, offset=offset).json() for offset in (0, 500, 1000, 1500)]
    rows = [row for body in pages for row in body["investment_transactions"]]
    total = pages[0]["total_investment_transactions"]
    assert [len(body["investment_transactions"]) for body in pages] == [500, 500, total - 1000, 0]
    assert len({row["investment_transaction_id"] for row in rows}) == len(rows) == total > 1000
    assert [row["date"] for row in rows] == sorted((row["date"] for row in rows), reverse=True)


def test_a_window_holds_its_days_only(plaid_server):
    access, _ = plaid_server.link("user_401k")
    body = page(plaid_server, access, days=30, count=500).json()
    dates = {row["date"] for row in body["investment_transactions"]}
    assert dates
    assert min(dates) >= str(TODAY - timedelta(days=30))
    ancient = page(plaid_server, access, days=3000, count=500).json()
    assert min(row["date"] for row in ancient["investment_transactions"]) >= str(TODAY - timedelta(days=731))


def test_rows_of_the_accounts_asked_for(plaid_server):
    access, _ = plaid_server.link("user_family")
    account = plaid_server.call("/accounts/get", access_token=access).json()["accounts"][1]["account_id"]
    body = page(plaid_server, access, account_ids=[account], count=500).json()
    assert {row["account_id"] for row in body["investment_transactions"]} == {account}
    assert body["total_investment_transactions"] == len(body["investment_transactions"])


def test_a_cancel_names_the_row_it_takes_back(plaid_server):
    access, _ = plaid_server.link("user_trader")
    pages = [page(plaid_server, access, count=500, offset=offset).json() for offset in (0, 500, 1000)]
    rows = [row for body in pages for row in body["investment_transactions"]]
    cancel = next(row for row in rows if row["type"] == "cancel")
    original = next(row for row in rows if row["investment_transaction_id"] == cancel["cancel_transaction_id"])
    assert (original["amount"], original["quantity"]) == (-cancel["amount"], -cancel["quantity"])


@pytest.mark.parametrize("options", [{"count": 501}, {"count": 0}, {"count": "10"}, {"offset": -1}])
def test_bad_options(plaid_server, options):
    access, _ = plaid_server.link()
    assert error_of(page(plaid_server, access, **options)) == "INVALID_FIELD"


def test_bad_dates(plaid_server):
    access, _ = plaid_server.link()
    for start, end in (("2026-02-30", "2026-03-01"), ("2026-03-02", "2026-03-01")):
        answer = plaid_server.call(PATH, access_token=access, start_date=start, end_date=end)
        assert error_of(answer) == "INVALID_FIELD"


def test_new_rows_appear_as_days_pass(plaid_server):
    access, _ = plaid_server.link("user_crypto")
    before = plaid_server.call(HOLDINGS, access_token=access).json()
    plaid_server.control("clock", now=(datetime.now(UTC) + timedelta(days=21)).isoformat())
    after = plaid_server.call(HOLDINGS, access_token=access).json()
    start, end = str(TODAY), str(TODAY + timedelta(days=21))
    rows = plaid_server.call(PATH, access_token=access, start_date=start, end_date=end).json()
    assert rows["total_investment_transactions"] >= 6
    assert {row["account_id"] for row in before["accounts"]} == {row["account_id"] for row in after["accounts"]}
    assert before["holdings"] != after["holdings"]


def test_an_error_asked_for_comes_as_often_as_asked(plaid_server):
    access, _ = plaid_server.link()
    plaid_server.fail(HOLDINGS, code="INSTITUTION_DOWN", times=2)
    answers = [plaid_server.call(HOLDINGS, access_token=access) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [400, 400, 200]
    assert error_of(answers[0]) == "INSTITUTION_DOWN"
    assert plaid_server.requests(HOLDINGS) == 3


def test_too_many_requests_with_the_time_to_wait(plaid_server):
    access, item_id = plaid_server.link()
    other, _ = plaid_server.link()
    plaid_server.fail(HOLDINGS, code="INVESTMENT_HOLDINGS_GET_LIMIT", retry_after=7, item_id=item_id)
    assert plaid_server.call(HOLDINGS, access_token=other).status_code == 200
    answer = plaid_server.call(HOLDINGS, access_token=access)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert answer.json()["error_type"] == "RATE_LIMIT_EXCEEDED"


@pytest.mark.parametrize("form", ["html", "truncated", "nan", "empty"])
def test_garbage(plaid_server, form):
    access, _ = plaid_server.link()
    plaid_server.fail(HOLDINGS, kind="garbage", form=form)
    answer = plaid_server.call(HOLDINGS, access_token=access)
    assert answer.status_code == 200
    assert b'"institution_value"' not in answer.content


def test_a_server_that_never_answers(plaid_server):
    access, _ = plaid_server.link()
    plaid_server.fail("/item/get", kind="hang")
    headers = {"PLAID-CLIENT-ID": "sandbox", "PLAID-SECRET": "sandbox"}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{plaid_server.url}/item/get", json={"access_token": access}, headers=headers, timeout=0.2)
    assert plaid_server.call("/item/get", access_token=access).status_code == 200


def test_pages_that_shift_change_the_total(plaid_server):
    access, _ = plaid_server.link("user_401k")
    plaid_server.fail(PATH, kind="shift")
    first = page(plaid_server, access, count=100).json()
    second = page(plaid_server, access, count=100, offset=100).json()
    assert second["total_investment_transactions"] == first["total_investment_transactions"] + 1
    assert second["investment_transactions"][0] == first["investment_transactions"][-1]


def test_empty_holdings_and_a_missing_field(plaid_server):
    access, _ = plaid_server.link()
    plaid_server.fail(HOLDINGS, kind="empty_holdings")
    empty = plaid_server.call(HOLDINGS, access_token=access).json()
    assert (empty["holdings"], empty["securities"]) == ([], [])
    plaid_server.fail(HOLDINGS, kind="drop_field", field="securities")
    assert "securities" not in plaid_server.call(HOLDINGS, access_token=access).json()
    assert plaid_server.call(HOLDINGS, access_token=access).json()["holdings"]
