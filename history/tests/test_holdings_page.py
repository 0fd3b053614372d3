from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client

from investments.models import Holding
from tests.fixtures import BROKERAGE_VALUE, IRA_VALUE, TOTAL_CASH, TOTAL_VALUE, Portfolio
from tests.pages import signed_in, words_of

URL = "/holdings/"
# Two savepoints and two of the panel, session, user, tenant; accounts, worths, holdings; two of the shell.
QUERIES = 12


def entries(answer: Any) -> dict[str, Any]:
    return {entry.account.name: entry for group in answer.context["groups"] for entry in group.accounts}


def test_nobody_is_sent_to_sign_in(client: Client, db: Any) -> None:
    answer = client.get(URL)
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/?next=/holdings/")


def test_subtotals_are_valuations_own_and_add_up(portfolio: Portfolio) -> None:
    answer = signed_in(portfolio.owner).get(URL)
    accounts = entries(answer)
    assert (accounts["Brokerage"].sums.value, accounts["Ira"].sums.value) == (BROKERAGE_VALUE, IRA_VALUE)
    assert answer.context["sums"].value == TOTAL_VALUE
    assert sum(entry.cash for entry in accounts.values()) == TOTAL_CASH
    assert "Total $9,478.35" in words_of(answer)


def test_rows_and_cash_of_an_account_make_its_subtotal(portfolio: Portfolio) -> None:
    for entry in entries(signed_in(portfolio.owner).get(URL)).values():
        assert sum(row.value for row in entry.rows) + entry.cash == entry.sums.value


def test_cash_is_a_line_and_no_row(portfolio: Portfolio) -> None:
    labels = [row.label for row in entries(signed_in(portfolio.owner).get(URL))["Brokerage"].rows]
    assert labels == ["AAPL", "AAPL $250 call", "TSLA"]


def test_a_sum_leaves_out_what_has_no_basis_and_says_so(portfolio: Portfolio) -> None:
    """Of the IRA only VTI has one: 5000, worth 5800."""
    answer = signed_in(portfolio.owner).get(URL)
    found = [entries(answer)["Brokerage"].sums, entries(answer)["Ira"].sums, answer.context["sums"]]
    assert [(sums.cost_basis, sums.gain, sums.without_basis) for sums in found] == [
        (900, 575, 0),
        (5000, 800, 1),
        (5900, 1375, 1),
    ]
    assert found[1].gain_fraction == pytest.approx(0.16)
    words = words_of(answer)
    assert "Total $9,478.35" in words
    assert "$5,900.00 without 1 +$1,375.00" in words
    assert "The brokerage did not say what was paid" in words


def test_where_no_basis_is_known_there_is_no_sum_of_them(portfolio: Portfolio) -> None:
    Holding.objects.update(cost_basis=None)
    assert signed_in(portfolio.owner).get(URL).context["sums"].gain is None


def test_a_short_position_is_named(portfolio: Portfolio) -> None:
    short = entries(signed_in(portfolio.owner).get(URL))["Brokerage"].rows[-1]
    assert (short.label, short.badge, short.value, short.gain) == ("TSLA", "Short", -1500, -100)
    assert short.gain_fraction == pytest.approx(-100 / 1400)


@pytest.mark.parametrize(
    ("sort", "labels"),
    [
        ("-value", ["AAPL", "AAPL $250 call", "TSLA"]),
        ("value", ["TSLA", "AAPL $250 call", "AAPL"]),
        ("-name", ["TSLA", "AAPL $250 call", "AAPL"]),
        ("-price", ["TSLA", "AAPL", "AAPL $250 call"]),
        ("; drop table", ["AAPL", "AAPL $250 call", "TSLA"]),
    ],
)
def test_sorting(portfolio: Portfolio, sort: str, labels: list[str]) -> None:
    rows = entries(signed_in(portfolio.owner).get(URL, {"sort": sort}))["Brokerage"].rows
    assert [row.label for row in rows] == labels


def test_the_sorted_column_says_so_and_turns_round(portfolio: Portfolio) -> None:
    columns = {column.label: column for column in signed_in(portfolio.owner).get(URL).context["columns"]}
    assert (columns["Value"].direction, columns["Value"].sort) == ("descending", "value")
    assert (columns["Gain"].direction, columns["Gain"].sort) == ("", "-gain")


def test_a_holding_without_a_rate_shows_a_dash_and_counts_for_nothing(portfolio: Portfolio) -> None:
    held = Holding.objects.get(account=portfolio.ira, security__ticker_symbol="VTI")
    held.security.iso_currency_code = "XOF"
    held.security.save(update_fields=["iso_currency_code"])
    answer = signed_in(portfolio.owner).get(URL)
    assert answer.context["sums"].value == TOTAL_VALUE - Decimal(5800)
    assert "No exchange rate" in words_of(answer)


def test_scope(portfolio: Portfolio, other: Any) -> None:
    answer = signed_in(portfolio.owner).get(URL, {"account": portfolio.ira.pk})
    assert list(entries(answer)) == ["Ira"]
    assert answer.context["sums"].value == IRA_VALUE
    assert signed_in(other).get(URL, {"account": portfolio.ira.pk}).status_code == 404


def test_when_reading_fails_the_last_table_stands_and_says_so(
    portfolio: Portfolio, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(portfolio.owner)
    client.get(URL)

    def broken(*_given: Any) -> None:
        raise DatabaseError("broken")

    monkeypatch.setattr("history.pages.holdings._held", broken)
    answer = client.get(URL)
    words = words_of(answer)
    assert "Your holdings could not be read. Shown as it was at" in words
    assert f"Request {answer['X-Request-ID']} Try again" in words
    assert "Total $9,478.35" in words
    # In another order it was never read: no table, and not the words of somebody who holds nothing.
    words = words_of(client.get(URL, {"sort": "name"}))
    assert "Your holdings could not be read. Request" in words
    assert "No holdings yet" not in words


def test_nothing_held_yet(owner: Any) -> None:
    assert "No holdings yet" in words_of(signed_in(owner).get(URL))


def test_queries(portfolio: Portfolio, django_assert_num_queries: Any) -> None:
    client = signed_in(portfolio.owner)
    client.get(URL)
    with django_assert_num_queries(QUERIES):
        client.get(URL)
