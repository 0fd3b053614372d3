"""The journey of a new user, walked over HTTP against running processes: what `make demo CHECK=1` does."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx

from portfolio_site.demo.client import Client, Unexpected

Say = Callable[[str], None]
PAGES = ("/", "/holdings/", "/transactions/", "/connections/", "/settings/")
PASSWORD = "a-long-walk-through-the-product"
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Truth:
    """What four places say the same accounts are worth."""

    value_api: Decimal
    last_point: Decimal
    brokerage: Decimal
    breakdown: Decimal

    @property
    def agrees(self) -> bool:
        return len({self.value_api, self.last_point, self.brokerage, self.breakdown}) == 1


def walk(*, web: str, plaid: str, demo: tuple[str, str], say: Say) -> int:
    """Walk the journey and say what is seen; returns 0. Raises Unexpected at the first thing that is not right."""
    newcomer = Client(web=web, plaid=plaid)
    sign_up(newcomer, "newcomer@example.com")
    say("Signed up, agreed to the terms and saw where to connect")
    newcomer.sign_in("newcomer@example.com", PASSWORD)
    answer = newcomer.link(institution="ins_11", sandbox_user="user_good")
    result = newcomer.wait_for_job(answer["job_id"])["result"]
    newcomer.wait_for_history()
    say(f"Linked an institution: {result['accounts']} accounts, {result['transactions']} transactions, history ready")
    second_sync_changes_nothing(newcomer, answer["item_id"], say)
    dana = Client(web=web, plaid=plaid)
    dana.sign_in(*demo)
    for client, name in ((newcomer, "newcomer"), (dana, "demo")):
        one_truth(client, name, say)
    other_owners_stay_unseen(newcomer, dana, say)
    see_pages(newcomer, say)
    return 0


def sign_up(client: Client, email: str) -> None:
    """Through the forms, like a browser: cookies, CSRF tokens, redirect to onboarding, and its first step."""
    _submit(client, "/accounts/signup/", leads_to="/onboarding/", email=email, password1=PASSWORD)
    about = {"base_currency": "USD", "time_zone": "America/New_York", "terms": "on"}
    _submit(client, "/onboarding/", leads_to="/onboarding/connect/", **about)


def _submit(client: Client, path: str, *, leads_to: str, **fields: str) -> None:
    form = client.http.get(f"{client.web}{path}")
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form.text)
    if token is None:
        raise Unexpected(f"{path} has no form")
    given = {"csrfmiddlewaretoken": token[1], **fields}
    done = client.http.post(f"{client.web}{path}", data=given, headers={"Referer": str(form.url)})
    if done.status_code != 200 or done.url.path != leads_to:
        raise Unexpected(f"{path} led to {done.url} with {done.status_code}")


def second_sync_changes_nothing(client: Client, item_id: str, say: Say) -> None:
    """The first refresh after the link covers a window that was just read: zero rows may change."""
    answer = client.post("/api/plaid/investments/refresh", {"user_id": client.user_id, "item_id": item_id})
    if any(answer["upserts"].values()):
        raise Unexpected(f"The same sync twice changed something: {answer['upserts']}")
    say("The same sync a second time changed nothing")


def one_truth(client: Client, name: str, say: Say) -> None:
    """Value API, last point of history, account breakdown and the brokerage's own values, in total and per account."""
    accounts = client.get("/api/investments/accounts")["items"]
    truth = truth_of(client)
    if not truth.agrees:
        raise Unexpected(f"{name}: {truth}")
    for account in accounts:
        part = truth_of(client, filter_account=account["id"])
        if not part.agrees:
            raise Unexpected(f"{name}, account {account['id']}: {part}")
    say(f"{name}: {truth.value_api} in {len(accounts)} accounts: value, history, breakdown and brokerage agree")


def truth_of(client: Client, **query: Any) -> Truth:
    holdings = client.get("/api/investments/holdings", include_cash="true", limit=500, **query)["items"]
    history = client.get("/api/portfolio/history", period="2Y", **query)
    brokerage = sum((Decimal(row["institution_value"]) for row in holdings), Decimal(0))
    return Truth(
        value_api=Decimal(client.get("/api/portfolio/value", **query)["total"]),
        last_point=Decimal(history["value"][-1]),
        brokerage=brokerage.quantize(CENT),
        breakdown=Decimal(client.get("/api/portfolio/account-breakdown", **query)["total_value"]),
    )


def other_owners_stay_unseen(client: Client, other: Client, say: Say) -> None:
    foreign = other.get("/api/investments/accounts")["items"][0]["id"]
    for path in ("/api/portfolio/value", "/api/portfolio/history", "/api/investments/holdings"):
        status = client.http.get(f"{client.web}{path}", params={"filter_account": foreign}).status_code
        if status != httpx.codes.NOT_FOUND:
            raise Unexpected(f"{path} answered {status} for another owner's account")
    say("Another owner's account is not found")


def see_pages(client: Client, say: Say) -> None:
    """With the session of the sign-up form, as a browser has it."""
    for path in PAGES:
        answer = client.http.get(f"{client.web}{path}")
        if answer.status_code != httpx.codes.OK or answer.url.path != path:
            raise Unexpected(f"{path} led to {answer.url} with {answer.status_code}")
    say(f"Saw {', '.join(PAGES)}")
