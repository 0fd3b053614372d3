from typing import Any

import pytest
from django.test import Client

from history.models import AccountHistory
from investments.models import Account
from plaid_link.models import Item, LinkedAccount
from portfolio_site.models import Consent, Job
from tests.fixtures import Portfolio
from tests.pages import signed_in, words_of, write_history

ABOUT = {"first_name": "Dana", "base_currency": "EUR", "time_zone": "Europe/Paris", "terms": "on"}
PAGES = ["/onboarding/", "/onboarding/connect/", "/onboarding/skip/", "/onboarding/progress/", "/onboarding/done/"]


def link(portfolio: Portfolio, status: str, **given: Any) -> None:
    item = Item.objects.create(
        owner=portfolio.owner,
        institution=portfolio.ira.institution,
        item_id="item-1",
        access_token_encrypted=b"sealed",
        status=status,
        **given,
    )
    LinkedAccount.objects.create(owner=portfolio.owner, item=item, account=portfolio.ira)


@pytest.mark.parametrize("url", PAGES)
def test_nobody_is_sent_to_sign_in(client: Client, db: Any, url: str) -> None:
    answer = client.get(url)
    assert (answer.status_code, answer["Location"]) == (302, f"/accounts/login/?next={url}")


def test_signing_up_leads_to_onboarding(client: Client, db: Any, django_user_model: Any) -> None:
    answer = client.post("/accounts/signup/", {"email": "New@Example.com", "password1": "a long enough phrase"})
    assert (answer.status_code, answer["Location"]) == (302, "/onboarding/")
    assert django_user_model.objects.get().email == "new@example.com"


def test_about_you_is_kept_with_the_version_agreed_to(owner: Any) -> None:
    answer = signed_in(owner).post("/onboarding/", ABOUT)
    assert answer["Location"] == "/onboarding/connect/"
    owner.refresh_from_db()
    assert (owner.first_name, owner.base_currency, owner.time_zone) == ("Dana", "EUR", "Europe/Paris")
    assert [(consent.document, consent.version) for consent in Consent.objects.filter(owner=owner)] == [
        ("terms", "2026-11")
    ]


def test_agreeing_twice_is_one_consent(owner: Any) -> None:
    client = signed_in(owner)
    for _ in range(2):
        client.post("/onboarding/", ABOUT)
    assert Consent.objects.filter(owner=owner).count() == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"terms": ""}, "Longview can only be used with these terms."),
        ({"base_currency": "XXX"}, "Select a valid choice."),
        ({"time_zone": "Mars/Olympus"}, "Select a valid choice."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_kept(owner: Any, change: dict[str, str], words: str) -> None:
    answer = signed_in(owner).post("/onboarding/", {**ABOUT, **change})
    assert words in words_of(answer)
    owner.refresh_from_db()
    assert owner.base_currency == "USD"


def test_connecting_names_the_script_and_our_routes(owner: Any, settings: Any) -> None:
    page = signed_in(owner).get("/onboarding/connect/").content.decode()
    assert f'data-script="{settings.PLAID_LINK_SCRIPT_URL}"' in page
    assert 'data-token-url="/api/plaid/investments/generate_link_token"' in page
    assert 'data-exchange-url="/api/plaid/investments/exchange_public_token"' in page
    assert f'data-user="{owner.pk}"' in page


def test_skipping_ends_onboarding(owner: Any) -> None:
    assert signed_in(owner).get("/onboarding/skip/")["Location"] == "/"
    owner.refresh_from_db()
    assert owner.onboarded_at is not None


def test_progress_before_anything_has_come(owner: Any) -> None:
    progress = signed_in(owner).get("/onboarding/progress/").context["progress"]
    assert [step.state for step in progress.steps] == ["waiting"] * 4
    assert not progress.is_done


def test_progress_while_reading_and_rebuilding(portfolio: Portfolio) -> None:
    link(portfolio, Item.Status.LINKING)
    job = Job.objects.create(owner=portfolio.owner, kind="link")
    AccountHistory.objects.create(account=portfolio.ira, owner=portfolio.owner, state="running", progress=0.8)
    answer = signed_in(portfolio.owner).get("/onboarding/progress/")
    progress = answer.context["progress"]
    assert [(step.label, step.state, step.count, step.percent) for step in progress.steps] == [
        ("Accounts", "running", 2, None),
        ("Holdings", "running", 6, None),
        ("Transactions", "running", 5, None),
        ("History", "running", None, 40),
    ]
    assert (progress.job_urls, progress.is_done) == (f"/api/jobs/{job.pk}", False)


def test_progress_ends_when_every_history_is_there(portfolio: Portfolio) -> None:
    link(portfolio, Item.Status.OK)
    write_history(portfolio, days=3)
    progress = signed_in(portfolio.owner).get("/onboarding/progress/").context["progress"]
    assert [step.state for step in progress.steps] == ["done"] * 4
    assert (progress.is_done, progress.next_url) == (True, "/onboarding/done/")


def test_a_failed_history_does_not_hold_anybody_up(portfolio: Portfolio) -> None:
    link(portfolio, Item.Status.OK)
    for account in Account.objects.all():
        AccountHistory.objects.create(account=account, owner=portfolio.owner, state=AccountHistory.State.FAILED)
    assert signed_in(portfolio.owner).get("/onboarding/progress/").context["progress"].is_done


def test_what_went_wrong_is_told(portfolio: Portfolio) -> None:
    link(portfolio, Item.Status.ERROR, error_message="No investment account was found at this login.")
    assert "No investment account was found" in words_of(signed_in(portfolio.owner).get("/onboarding/progress/"))


def test_progress_of_another_is_not_mine(portfolio: Portfolio, other: Any) -> None:
    link(portfolio, Item.Status.LINKING)
    Job.objects.create(owner=portfolio.owner, kind="link")
    progress = signed_in(other).get("/onboarding/progress/").context["progress"]
    assert (progress.steps[0].count, progress.job_urls) == (0, "")


def test_done_tells_the_number_of_accounts(portfolio: Portfolio) -> None:
    write_history(portfolio, days=3)
    AccountHistory.objects.update(first_day="2024-11-21", last_day="2026-11-20", quality=0.99)
    words = words_of(signed_in(portfolio.owner).get("/onboarding/done/"))
    assert "2 accounts connected" in words
    assert "730 days of history are ready, 99% of it priced at real closes." in words
