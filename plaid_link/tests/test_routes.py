"""The contract of the four routes, to the letter, through real HTTP to the local Plaid server."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.test import Client
from django.utils import timezone

from investments.models import Account, Holding, Transaction
from plaid_link.models import Item
from plaid_link.sandbox.testing import PlaidServer
from plaid_link.tests.scripted import ScriptedPlaid
from portfolio_site.models import Job

PLAID = "/api/plaid/investments"
LINK_TOKEN = f"{PLAID}/generate_link_token"
EXCHANGE = f"{PLAID}/exchange_public_token"
REFRESH = f"{PLAID}/refresh"
REFRESH_ALL = f"{PLAID}/refresh_all"
ROUTES = [LINK_TOKEN, EXCHANGE, REFRESH, REFRESH_ALL]
NOBODY = 999_999


@pytest.fixture
def plaid(plaid_server: PlaidServer, settings: Any) -> PlaidServer:
    settings.PLAID_HOST = plaid_server.url
    return plaid_server


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def me(owner: Any) -> Client:
    return signed_in(owner)


def post(client: Client, url: str, body: Any = None) -> tuple[int, Any]:
    response = client.post(url, {} if body is None else body, content_type="application/json")
    return response.status_code, response.json()


def linked(client: Client, user: Any, plaid: PlaidServer, username: str = "user_good") -> str:
    body = {"user_id": user.pk, "public_token": plaid.public_token(username)}
    status, answer = post(client, EXCHANGE, body)
    assert status == 200, answer
    return str(answer["item_id"])


@pytest.mark.parametrize("url", ROUTES)
def test_nobody_is_answered_without_signing_in(db: Any, url: str) -> None:
    status, answer = post(Client(), url, {"user_id": 1})
    assert status == 401
    assert set(answer) == {"error"}


@pytest.mark.parametrize(
    ("url", "body", "error"),
    [
        (LINK_TOKEN, {}, "Missing user_id"),
        (LINK_TOKEN, {"user_id": ""}, "Missing user_id"),
        (LINK_TOKEN, {"user_id": None}, "Missing user_id"),
        (LINK_TOKEN, [], "Missing user_id"),
        (EXCHANGE, {}, "Missing user_id or public_token"),
        (EXCHANGE, {"user_id": 1}, "Missing user_id or public_token"),
        (EXCHANGE, {"public_token": "public-sandbox-1"}, "Missing user_id or public_token"),
        (REFRESH, {}, "Missing user_id or item_id"),
        (REFRESH, {"user_id": 1}, "Missing user_id or item_id"),
        (REFRESH, {"item_id": "x"}, "Missing user_id or item_id"),
    ],
)
def test_what_is_missing_is_named(me: Client, url: str, body: Any, error: str) -> None:
    assert post(me, url, body) == (400, {"error": error})


def test_a_body_that_is_not_json_is_400(me: Client) -> None:
    response = me.post(LINK_TOKEN, "{", content_type="application/json")
    assert (response.status_code, set(response.json())) == (400, {"error"})


@pytest.mark.parametrize("url", [LINK_TOKEN, EXCHANGE, REFRESH])
@pytest.mark.parametrize("whose", ["other", "nobody", "text", "true", "huge"])
def test_another_user_is_not_found(me: Client, other: Any, url: str, whose: str) -> None:
    user_id = {"other": other.pk, "nobody": NOBODY, "text": "me", "true": True, "huge": 10**30}[whose]
    status, answer = post(me, url, {"user_id": user_id, "public_token": "public-sandbox-1", "item_id": "item-1"})
    assert (status, set(answer)) == (404, {"error"})


class TestLinkToken:
    def test_is_given(self, me: Client, owner: Any, plaid: PlaidServer) -> None:
        status, answer = post(me, LINK_TOKEN, {"user_id": owner.pk})
        assert (status, set(answer), answer["status"]) == (200, {"status", "link_token"}, "success")
        assert answer["link_token"].startswith("link-sandbox-")

    def test_a_user_id_may_be_text(self, me: Client, owner: Any, plaid: PlaidServer) -> None:
        assert post(me, LINK_TOKEN, {"user_id": str(owner.pk)})[0] == 200

    def test_staff_may_name_another(self, staff: Any, owner: Any, plaid: PlaidServer) -> None:
        assert post(signed_in(staff), LINK_TOKEN, {"user_id": owner.pk})[0] == 200
        assert post(signed_in(staff), LINK_TOKEN, {"user_id": NOBODY})[0] == 404

    def test_for_a_repair_names_the_item_to_plaid(self, me: Client, owner: Any, plaid: PlaidServer) -> None:
        item_id = linked(me, owner, plaid)
        _, answer = post(me, LINK_TOKEN, {"user_id": owner.pk, "item_id": item_id})
        page = httpx.get(f"{plaid.url}/link", params={"token": answer["link_token"]}).text
        assert "asks for a new sign-in" in page
        _, new = post(me, LINK_TOKEN, {"user_id": owner.pk})
        assert "asks for a new sign-in" not in httpx.get(f"{plaid.url}/link", params={"token": new["link_token"]}).text

    @pytest.mark.parametrize(("given", "asked"), [(True, True), (False, False), ("yes", False), (None, False)])
    def test_lets_the_user_choose_accounts_anew_where_that_is_asked_for(
        self, me: Client, owner: Any, item: Item, scripted: ScriptedPlaid, given: Any, asked: bool
    ) -> None:
        scripted.answers["/link/token/create"] = {"link_token": "link-sandbox-1"}
        body = {"user_id": owner.pk, "item_id": item.item_id, "add_accounts": given}
        assert post(me, LINK_TOKEN, body)[0] == 200
        (request,) = scripted.asked_of("/link/token/create")
        assert (request.get("update") == {"account_selection_enabled": True}) == asked

    @pytest.mark.parametrize("whose", ["other", "disconnected"])
    def test_no_repair_of_anothers_or_of_what_is_gone(
        self, me: Client, owner: Any, other: Any, plaid: PlaidServer, whose: str
    ) -> None:
        item_id = linked(me, owner, plaid) if whose == "disconnected" else linked(signed_in(other), other, plaid)
        Item.objects.filter(owner=owner).update(status=Item.Status.DISCONNECTED)
        error = {"error": "Investments account not found"}
        assert post(me, LINK_TOKEN, {"user_id": owner.pk, "item_id": item_id}) == (404, error)

    def test_when_plaid_fails_the_answer_is_a_sentence(self, me: Client, owner: Any, plaid: PlaidServer) -> None:
        plaid.fail("/link/token/create", code="INTERNAL_SERVER_ERROR")
        status, answer = post(me, LINK_TOKEN, {"user_id": owner.pk})
        assert (status, set(answer)) == (500, {"error"})
        assert "tried again" in answer["error"]


class TestExchange:
    def test_stores_the_accounts_before_it_answers(self, me: Client, owner: Any, plaid: PlaidServer) -> None:
        body = {"user_id": owner.pk, "public_token": plaid.public_token()}
        status, answer = post(me, EXCHANGE, body)
        assert (status, set(answer), answer["status"]) == (200, {"status", "item_id", "job_id"}, "success")
        item = Item.objects.get(item_id=answer["item_id"])
        assert item.owner == owner
        assert Account.objects.filter(linked_account__item=item, owner=owner).exists()
        assert str(Job.objects.get(owner=owner, kind="link").pk) == answer["job_id"]

    def test_a_token_that_plaid_does_not_know_is_500_with_what_to_do(
        self, me: Client, owner: Any, plaid: PlaidServer
    ) -> None:
        status, answer = post(me, EXCHANGE, {"user_id": owner.pk, "public_token": "public-sandbox-none"})
        assert (status, set(answer)) == (500, {"error"})
        assert "public-sandbox" not in answer["error"]

    @pytest.mark.parametrize("answer", [{"access_token": "access-1"}, {"item_id": "item-1"}, {}])
    def test_without_an_access_token_or_item_id_it_has_failed(
        self, me: Client, owner: Any, scripted: ScriptedPlaid, answer: dict[str, str]
    ) -> None:
        scripted.answers["/item/public_token/exchange"] = answer
        body = {"user_id": owner.pk, "public_token": "public-sandbox-1"}
        assert post(me, EXCHANGE, body) == (500, {"error": "Failed to exchange public token"})

    @pytest.mark.parametrize("token", [5, ["x"], "nul\x00"])
    def test_a_token_that_is_not_text_is_400(self, me: Client, owner: Any, token: Any) -> None:
        status, answer = post(me, EXCHANGE, {"user_id": owner.pk, "public_token": token})
        assert (status, set(answer)) == (400, {"error"})


class TestRefresh:
    def test_counts_what_changed_and_then_nothing(self, me: Client, owner: Any, plaid: PlaidServer) -> None:
        item_id = linked(me, owner, plaid)
        status, answer = post(me, REFRESH, {"user_id": owner.pk, "item_id": item_id})
        assert (status, set(answer), answer["status"]) == (200, {"status", "upserts"}, "success")
        assert set(answer["upserts"]) == {"securities", "holdings", "investment_transactions"}
        assert answer["upserts"]["holdings"] == Holding.objects.held().count() > 0
        assert answer["upserts"]["investment_transactions"] == Transaction.objects.current().count()
        _, again = post(me, REFRESH, {"user_id": owner.pk, "item_id": item_id})
        assert again["upserts"] == {"securities": 0, "holdings": 0, "investment_transactions": 0}

    def test_reads_the_range_asked_for(self, me: Client, owner: Any, plaid: PlaidServer) -> None:
        item_id = linked(me, owner, plaid)
        today = timezone.now().date()
        start = (today - timedelta(days=300)).isoformat()
        post(me, REFRESH, {"user_id": owner.pk, "item_id": item_id, "start_date": start, "end_date": str(today)})
        days = list(Transaction.objects.current().values_list("date", flat=True))
        assert today - timedelta(days=300) <= min(days) < today - timedelta(days=200)

    @pytest.mark.parametrize("item_id", ["nothing", "", "item\x00"])
    def test_an_item_that_is_not_there(self, me: Client, owner: Any, item_id: str) -> None:
        status, answer = post(me, REFRESH, {"user_id": owner.pk, "item_id": item_id})
        expected = {"nothing": (404, "Investments account not found"), "": (400, "Missing user_id or item_id")}
        assert (status, answer["error"]) == expected.get(item_id, (400, "item_id must be text"))

    def test_another_users_item_is_not_found_even_under_ones_own_id(
        self, me: Client, owner: Any, other: Any, plaid: PlaidServer
    ) -> None:
        item_id = linked(signed_in(other), other, plaid)
        error = {"error": "Investments account not found"}
        assert post(me, REFRESH, {"user_id": owner.pk, "item_id": item_id}) == (404, error)

    def test_staff_may_refresh_anybodys(self, me: Client, owner: Any, staff: Any, plaid: PlaidServer) -> None:
        item_id = linked(me, owner, plaid)
        assert post(signed_in(staff), REFRESH, {"user_id": owner.pk, "item_id": item_id})[0] == 200
        assert set(Holding.objects.values_list("owner", flat=True)) == {owner.pk}

    def test_when_the_login_needs_repair_it_says_so(self, me: Client, owner: Any, plaid: PlaidServer) -> None:
        item_id = linked(me, owner, plaid)
        plaid.fail("/investments/holdings/get", code="ITEM_LOGIN_REQUIRED")
        error = {"error": "Sign in to this institution again to go on."}
        assert post(me, REFRESH, {"user_id": owner.pk, "item_id": item_id}) == (500, error)
        assert Item.objects.get(item_id=item_id).status == "needs_repair"


@pytest.mark.parametrize("url", [REFRESH, REFRESH_ALL])
@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-02-30", "2026-03-01"),
        ("20260101", "2026-03-01"),
        ("2026-1-1", "2026-03-01"),
        ("2026-W01-1", "2026-03-01"),
        ("01/02/2026", "2026-03-01"),
        (20260101, "2026-03-01"),
        ("2026-03-02", "2026-03-01"),
        ("bad", None),
        (None, "bad"),
    ],
)
def test_bad_and_reversed_dates_are_400(me: Client, owner: Any, url: str, start: Any, end: Any) -> None:
    body = {"user_id": owner.pk, "item_id": "item-1", "start_date": start, "end_date": end}
    status, answer = post(me, url, body)
    assert (status, set(answer)) == (400, {"error"})


class TestRefreshAll:
    def test_sums_up_ones_items_over_the_last_30_days(self, me: Client, owner: Any, plaid: PlaidServer) -> None:
        linked(me, owner, plaid)
        status, answer = post(me, REFRESH_ALL)
        today = timezone.now().date()
        assert status == 200
        assert set(answer) == {"status", "summary", "range"}
        assert set(answer["summary"]) == {"securities", "holdings", "investment_transactions", "items"}
        assert (answer["status"], answer["summary"]["items"]) == ("success", 1)
        assert answer["summary"]["holdings"] == Holding.objects.held().count()
        assert answer["range"] == {"start_date": str(today - timedelta(days=30)), "end_date": str(today)}

    @pytest.mark.parametrize("given", [{"start_date": "2026-01-28"}, {"end_date": "2026-02-27"}])
    def test_with_one_date_missing_both_are_the_default(self, me: Client, given: dict[str, str]) -> None:
        _, answer = post(me, REFRESH_ALL, given)
        assert answer["range"]["end_date"] == str(timezone.now().date())

    def test_the_range_asked_for_is_the_range_told(self, me: Client) -> None:
        dates = {"start_date": "2026-01-28", "end_date": "2026-02-27"}
        assert post(me, REFRESH_ALL, dates)[1]["range"] == dates

    def test_one_item_that_fails_is_counted_and_skipped(
        self, me: Client, owner: Any, plaid: PlaidServer, caplog: Any
    ) -> None:
        linked(me, owner, plaid)
        bad = linked(me, owner, plaid, "user_401k")
        Item.objects.filter(item_id=bad).update(access_token_encrypted=b"broken:")
        status, answer = post(me, REFRESH_ALL)
        assert (status, answer["summary"]["items"], answer["summary"]["failed"]) == (200, 1, 1)
        assert bad in caplog.text

    def test_others_refresh_their_own_and_staff_everybodys(
        self, me: Client, owner: Any, other: Any, staff: Any, plaid: PlaidServer
    ) -> None:
        linked(me, owner, plaid)
        assert post(signed_in(other), REFRESH_ALL)[1]["summary"]["items"] == 0
        assert post(signed_in(staff), REFRESH_ALL)[1]["summary"]["items"] == 1


def test_the_whole_journey_works_as_the_web_role(owner: Any, plaid: PlaidServer, as_web: Any) -> None:
    client = signed_in(owner)
    with as_web(owner):
        item_id = linked(client, owner, plaid)
        assert post(client, REFRESH, {"user_id": owner.pk, "item_id": item_id})[0] == 200
        assert post(client, REFRESH_ALL)[1]["summary"] == {
            "securities": 0,
            "holdings": 0,
            "investment_transactions": 0,
            "items": 1,
        }


class TestConnectionStatus:
    URL = "/api/portfolio/connection-status"

    def test_tells_how_each_institution_stands(self, me: Client, owner: Any, plaid: PlaidServer) -> None:
        item_id = linked(me, owner, plaid)
        plaid.fail("/investments/holdings/get", code="INSTITUTION_DOWN")
        post(me, REFRESH, {"user_id": owner.pk, "item_id": item_id})
        answer = me.get(self.URL).json()
        assert (answer["mode"], answer["data_sources"]) == ("aggregation", ["plaid"])
        (found,) = answer["items"]
        assert (found["item_id"], found["status"]) == (item_id, "institution_trouble")
        assert found["message"].endswith(".")
        assert {account["sync_state"] for account in found["accounts"]} == {"institution_trouble"}
        assert "access" not in str(answer)

    def test_of_another_is_empty_and_their_account_unknown(
        self, me: Client, owner: Any, other: Any, plaid: PlaidServer
    ) -> None:
        linked(me, owner, plaid)
        stranger = signed_in(other)
        assert stranger.get(self.URL).json()["items"] == []
        account = Account.objects.first()
        assert me.get(self.URL, {"filter_account": account.pk}).json()["items"] != []
        assert stranger.get(self.URL, {"filter_account": account.pk}).status_code == 404

    def test_takes_the_same_queries_however_much_is_linked(
        self, me: Client, owner: Any, plaid: PlaidServer, django_assert_max_num_queries: Any
    ) -> None:
        for username in ("user_good", "user_401k"):
            linked(me, owner, plaid, username)
        with django_assert_max_num_queries(10):
            assert len(me.get(self.URL).json()["items"]) == 2


def test_a_sync_of_everything_is_a_job(me: Client, owner: Any, plaid: PlaidServer) -> None:
    linked(me, owner, plaid)
    response = me.post("/api/investments/sync")
    assert response.status_code == 202
    job = Job.objects.get(pk=response.json()["job_id"])
    assert (job.owner, job.kind, job.state) == (owner, "sync", "queued")
    assert Client().post("/api/investments/sync").status_code == 401
