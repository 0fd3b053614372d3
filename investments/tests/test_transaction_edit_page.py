"""Adding, correcting, removing, undo and redo on the page, all of it without JavaScript."""

from decimal import Decimal
from typing import Any

import pytest

from investments import ledger
from investments.models import Transaction
from tests.fixtures import Portfolio
from tests.pages import Browser, signed_in, words_of

LIST, ADD = "/transactions/", "/transactions/add/"


def row_of(portfolio: Portfolio, external_id: str = "t2") -> Transaction:
    return Transaction.objects.filter(owner=portfolio.owner, external_id=external_id).latest("version")


def filled(answer: Any, **given: str) -> dict[str, str]:
    """What a browser would send of the form it was shown."""
    form = answer.context["form"]
    shown = {field.name: field.value() for field in form if field.value() is not None}
    return {name: str(value) for name, value in shown.items()} | given


def save(browser: Browser, url: str, **given: str) -> Any:
    return browser.post(url, filled(browser.get(url), **given))


def purchase(portfolio: Portfolio, **given: str) -> dict[str, str]:
    told = {"account": str(portfolio.brokerage.pk), "kind": "buy/buy", "date": "2026-10-05", "security": "TSLA"}
    return told | {"quantity": "2", "price": "300", "fees": "1.50"} | given


def test_add(portfolio: Portfolio) -> None:
    browser = signed_in(portfolio.owner)
    answer = save(browser, ADD, **purchase(portfolio), next=f"{LIST}?type=buy")
    assert answer["Location"] == f"{LIST}?type=buy"
    row = Transaction.objects.get(source="manual")
    assert (row.security.ticker_symbol, row.quantity, row.amount) == ("TSLA", 2, Decimal("601.50"))
    assert "By hand" in words_of(browser.get(LIST))


def test_the_same_form_twice_adds_once(portfolio: Portfolio) -> None:
    browser = signed_in(portfolio.owner)
    sent = filled(browser.get(ADD), **purchase(portfolio))
    for _ in range(2):
        assert browser.post(ADD, sent).status_code == 302
    assert Transaction.objects.filter(source="manual").count() == 1


def test_what_nobody_knows_is_asked_for_and_entered(portfolio: Portfolio) -> None:
    browser = signed_in(portfolio.owner)
    sent = filled(browser.get(ADD), **purchase(portfolio, security="brk.b"))
    assert "security_type" not in sent
    asked = browser.post(ADD, sent)
    assert "choose: it is then entered, for you alone" in words_of(asked)
    assert browser.post(ADD, filled(asked, security_type="equity")).status_code == 302
    row = Transaction.objects.get(source="manual")
    assert (row.security.ticker_symbol, row.security.type, row.security.name) == ("BRK.B", "equity", "")
    again = filled(browser.get(ADD), **purchase(portfolio, security="BRK.B"))
    assert browser.post(ADD, again).status_code == 302
    assert set(Transaction.objects.filter(source="manual").values_list("security", flat=True)) == {row.security_id}


@pytest.mark.parametrize(
    ("kind", "cash", "amount"),
    [
        ("cash/dividend", "5", "-5"),
        ("cash/dividend", "-5", "5"),
        ("fee/account fee", "12.50", "12.5"),
        ("fee/account fee", "+12.50", "-12.5"),
        ("cash/withdrawal", "100", "100"),
        ("cash/deposit", "1,250.75", "-1250.75"),
        ("transfer/transfer", "\N{MINUS SIGN}40", "40"),
    ],
)
def test_cash_goes_the_way_its_kind_or_its_sign_says(portfolio: Portfolio, kind: str, cash: str, amount: str) -> None:
    nothing = {"security": "", "quantity": "", "price": "", "fees": ""}
    save(signed_in(portfolio.owner), ADD, **purchase(portfolio, kind=kind, cash=cash, **nothing))
    row = Transaction.objects.get(source="manual")
    assert (row.amount, row.repairs) == (Decimal(amount), [])


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"security": "NOSUCH"}, "security"),
        ({"security": ""}, "security"),
        ({"quantity": "0"}, "quantity"),
        ({"quantity": "two"}, "quantity"),
        ({"quantity": "1e40"}, "quantity"),
        ({"cash": "nan"}, "cash"),
        ({"date": "2031-01-01"}, "date"),
        ({"kind": "gift/gift"}, "kind"),
        ({"account": "0"}, "account"),
        ({"fees": "-1"}, "fees"),
    ],
)
def test_bad_input_is_answered_beside_its_field(portfolio: Portfolio, wrong: dict[str, str], field: str) -> None:
    answer = save(signed_in(portfolio.owner), ADD, **purchase(portfolio, **wrong))
    assert (answer.status_code, list(answer.context["form"].errors)) == (200, [field])
    assert not Transaction.objects.filter(source="manual").exists()


def test_saving_what_is_shown_changes_nothing(portfolio: Portfolio) -> None:
    browser = signed_in(portfolio.owner)
    for external_id in ("t1", "t2", "t3", "t4", "t5"):
        assert save(browser, f"{LIST}{row_of(portfolio, external_id).pk}/").status_code == 302
    assert not Transaction.objects.filter(version=2).exists()
    assert not browser.get(LIST).context["steps"].can_undo


def test_correct_remove_undo_and_redo(portfolio: Portfolio) -> None:
    browser = signed_in(portfolio.owner)
    url = f"{LIST}{row_of(portfolio).pk}/"
    save(browser, url, cash="-1805.95")
    browser.post(f"{url}void/", {"version": "2"})
    save(browser, ADD, **purchase(portfolio))
    seen = []
    for way in ("undo", "undo", "undo", "redo", "redo", "redo", "undo"):
        browser.post(f"{LIST}{way}/")
        row, added = row_of(portfolio), Transaction.objects.current().filter(source="manual").count()
        seen.append((float(row.amount), row.is_void, added))
    was, corrected, removed = (1804.95, False, 0), (1805.95, False, 0), (1805.95, True, 0)
    assert seen == [removed, corrected, was, corrected, removed, (1805.95, True, 1), removed]
    steps = browser.get(LIST).context["steps"]
    assert (steps.can_undo, steps.can_redo) == (True, True)


def test_a_new_change_ends_what_could_be_done_again(portfolio: Portfolio) -> None:
    browser = signed_in(portfolio.owner)
    url = f"{LIST}{row_of(portfolio).pk}/"
    save(browser, url, cash="-1805.95")
    browser.post(f"{LIST}undo/")
    save(browser, url, description="Mine")
    assert not browser.get(LIST).context["steps"].can_redo


def test_a_row_changed_elsewhere_is_shown_beside_mine_and_saved_over_only_when_said(portfolio: Portfolio) -> None:
    browser = signed_in(portfolio.owner)
    url = f"{LIST}{row_of(portfolio).pk}/"
    mine = filled(browser.get(url), cash="-1805.95")
    save(signed_in(portfolio.owner), url, description="Theirs")
    conflict = browser.post(url, mine)
    shown = {(one.label, one.yours, one.now) for one in conflict.context["conflict"]["differences"]}
    assert conflict.status_code == 409
    assert {("Description", "Buy Apple", "Theirs")} <= shown
    assert row_of(portfolio).version == 2
    assert browser.post(url, filled(conflict)).status_code == 302
    row = row_of(portfolio)
    assert (row.version, row.amount, row.name) == (3, Decimal("1805.95"), "Buy Apple")


def test_an_undo_of_what_was_changed_elsewhere_is_left_out(portfolio: Portfolio) -> None:
    browser = signed_in(portfolio.owner)
    url = f"{LIST}{row_of(portfolio).pk}/"
    save(browser, url, cash="-1805.95")
    ledger.void_transaction(row=row_of(portfolio), version=2)
    answer = browser.post(f"{LIST}undo/", follow=True)
    assert "changed elsewhere" in words_of(answer)
    assert (row_of(portfolio).version, answer.context["steps"].can_undo) == (3, False)


def test_another_owners_row_is_not_there(portfolio: Portfolio, other: Any) -> None:
    browser, url = signed_in(other), f"{LIST}{row_of(portfolio).pk}/"
    answers = [browser.get(url), browser.post(url), browser.post(f"{url}void/", {"version": "1"})]
    assert [answer.status_code for answer in answers] == [404, 404, 404]


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_it_leads_back_to_this_site_only(portfolio: Portfolio, elsewhere: str) -> None:
    answer = save(signed_in(portfolio.owner), ADD, **purchase(portfolio), next=elsewhere)
    assert answer["Location"] == LIST


def test_the_dialog_gets_the_form_alone(portfolio: Portfolio) -> None:
    browser = signed_in(portfolio.owner)
    page = browser.get(f"{LIST}{row_of(portfolio).pk}/", headers={"X-Fragment": "1"}).content.decode()
    assert page.lstrip().startswith("<form")
    assert "<html" not in page


def test_the_dialog_is_told_where_to_go_and_the_page_there_says_what_was_done(portfolio: Portfolio) -> None:
    browser, url = signed_in(portfolio.owner), f"{LIST}{row_of(portfolio).pk}/"
    sent = filled(browser.get(url), cash="-1805.95", next=f"{LIST}?type=buy")
    answer = browser.post(url, sent, headers={"X-Fragment": "1"})
    assert (answer.status_code, answer["X-Location"]) == (204, f"{LIST}?type=buy")
    assert "Saved." in words_of(browser.get(answer["X-Location"]))


def test_the_export_is_of_what_is_shown(portfolio: Portfolio) -> None:
    query = {"type": "buy", "account": str(portfolio.ira.pk), "page": "1"}
    url = signed_in(portfolio.owner).get(LIST, query).context["export_url"]
    assert url == f"/api/investments/transactions/export.csv?type=buy&filter_account={portfolio.ira.pk}"
