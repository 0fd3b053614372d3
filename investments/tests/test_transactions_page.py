from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from investments import ledger
from investments.entries import TransactionEntry
from tests.fixtures import TODAY, Portfolio
from tests.pages import signed_in, words_of

URL = "/transactions/"
# Two savepoints, session, user, tenant; accounts, totals, rows; two of the shell.
QUERIES = 10


def titles(answer: Any) -> list[str]:
    return [line.title for month in answer.context["months"] for line in month.lines]


def record(portfolio: Portfolio, *entries: TransactionEntry) -> None:
    accounts = {"brokerage": portfolio.brokerage, "ira": portfolio.ira}
    named: dict[str, Any] = {"accounts": accounts, "securities": portfolio.securities, "source": "plaid"}
    ledger.record_transactions(entries=entries, today=TODAY, **named)


def test_nobody_is_sent_to_sign_in(client: Client, db: Any) -> None:
    answer = client.get(URL)
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/?next=/transactions/")


def test_the_ledger_newest_first_by_month(portfolio: Portfolio) -> None:
    answer = signed_in(portfolio.owner).get(URL)
    assert titles(answer) == ["Account fee", "VTI", "AAPL", "AAPL", "Deposit"]
    assert [month.first_day for month in answer.context["months"]] == [
        date(2026, 9, 1),
        date(2026, 5, 1),
        date(2026, 1, 1),
    ]


def test_totals_are_of_all_that_is_filtered_not_of_the_page(portfolio: Portfolio) -> None:
    (totals,) = signed_in(portfolio.owner).get(URL).context["totals"]
    assert (totals.count, totals.received, totals.paid) == (5, Decimal("3002.60"), Decimal("6817.45"))
    # The dividend; 4.95 within a purchase and 12.50 charged apart.
    assert (totals.income, totals.fees, totals.net) == (Decimal("2.60"), Decimal("17.45"), Decimal("-3814.85"))


def test_totals_are_per_currency(portfolio: Portfolio) -> None:
    euros = {"type": "cash", "subtype": "deposit", "account_external_id": "brokerage", "currency": "EUR"}
    record(portfolio, TransactionEntry("e1", date=date(2026, 3, 1), amount=Decimal(-70), **euros))
    answer = signed_in(portfolio.owner).get(URL)
    assert [(sums.currency, sums.count) for sums in answer.context["totals"]] == [("EUR", 1), ("USD", 5)]
    assert "+€70.00" in words_of(answer)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"type": "buy"}, ["VTI", "AAPL"]),
        ({"subtype": "dividend"}, ["AAPL"]),
        ({"ticker": "vti"}, ["VTI"]),
        ({"q": "custody"}, ["Account fee"]),
        ({"date_from": "2026-05-14", "date_to": "2026-05-14"}, ["VTI", "AAPL"]),
        ({"min_amount": "5000"}, ["VTI"]),
        ({"q": "no such thing"}, []),
    ],
)
def test_filters(portfolio: Portfolio, query: dict[str, str], found: list[str]) -> None:
    answer = signed_in(portfolio.owner).get(URL, query)
    assert titles(answer) == found
    assert sum(sums.count for sums in answer.context["totals"]) == len(found)


def test_each_filter_in_force_is_a_chip_that_takes_it_away(portfolio: Portfolio) -> None:
    query = {"type": "buy", "date_from": "2026-01-01", "page": "1", "account": str(portfolio.ira.pk)}
    form = signed_in(portfolio.owner).get(URL, query).context["filters"]
    scope = f"account={portfolio.ira.pk}"
    assert [(chip.label, chip.url) for chip in form.active] == [
        ("Ira", "?type=buy&date_from=2026-01-01"),
        ("Type: Buy", f"?date_from=2026-01-01&{scope}"),
        ("From: 1 Jan 2026", f"?type=buy&{scope}"),
    ]
    assert form.clear_url == f"?{scope}&reset=1"
    assert [chip.label for chip in form.presets if chip.is_current] == ["Bought"]


@pytest.mark.parametrize("query", [{"date_from": "yesterday"}, {"min_amount": "much"}, {"date_to": "2026-02-31"}])
def test_a_filter_that_cannot_be_read_is_answered_in_words(portfolio: Portfolio, query: dict[str, str]) -> None:
    answer = signed_in(portfolio.owner).get(URL, query)
    assert answer.status_code == 200
    assert titles(answer) == []
    assert 'aria-invalid="true"' in answer.content.decode()


def test_nothing_matches_offers_a_way_back(portfolio: Portfolio) -> None:
    assert "Nothing matches these filters" in words_of(signed_in(portfolio.owner).get(URL, {"ticker": "ZZZ"}))


def test_nothing_recorded_yet(owner: Any) -> None:
    assert "No transactions yet" in words_of(signed_in(owner).get(URL))


def test_what_was_corrected_shows_its_last_version_only(portfolio: Portfolio) -> None:
    fee = {"type": "fee", "subtype": "account fee", "account_external_id": "ira", "name": "Custody fee"}
    record(portfolio, TransactionEntry("t5", date=date(2026, 9, 30), amount=Decimal("11"), **fee))
    answer = signed_in(portfolio.owner).get(URL, {"type": "fee"})
    assert (titles(answer), answer.context["totals"][0].paid) == (["Account fee"], 11)


def test_pages_follow_each_other_without_a_gap(portfolio: Portfolio) -> None:
    buy = {"type": "buy", "subtype": "buy", "account_external_id": "brokerage", "security_external_id": "sec-tsla"}
    rows = [TransactionEntry(f"x{i}", date=date(2026, 2, 2), amount=Decimal(i + 1), **buy) for i in range(60)]
    record(portfolio, *rows)
    client = signed_in(portfolio.owner)
    pages = [client.get(URL, {"page": number, "ticker": "TSLA"}) for number in (1, 2)]
    amounts = [line.amount for page in pages for month in page.context["months"] for line in month.lines]
    assert len(amounts) == len(set(amounts)) == 60
    assert "of 60 Older" in words_of(pages[0])


def test_scope(portfolio: Portfolio, other: Any) -> None:
    assert titles(signed_in(portfolio.owner).get(URL, {"account": portfolio.ira.pk})) == ["Account fee", "VTI"]
    assert signed_in(other).get(URL, {"account": portfolio.ira.pk}).status_code == 404
    assert titles(signed_in(other).get(URL)) == []


def test_queries(portfolio: Portfolio, django_assert_num_queries: Any) -> None:
    client = signed_in(portfolio.owner)
    client.get(URL)
    with django_assert_num_queries(QUERIES):
        client.get(URL)
