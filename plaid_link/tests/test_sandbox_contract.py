"""Every path of the local Plaid server, through Plaid's own client and against Plaid's own OpenAPI."""

import json
from datetime import date, timedelta
from urllib.parse import urlsplit

import plaid
import pytest
from django.conf import settings
from plaid.api import plaid_api
from plaid.model.accounts_balance_get_request import AccountsBalanceGetRequest
from plaid.model.accounts_get_request import AccountsGetRequest
from plaid.model.country_code import CountryCode
from plaid.model.institutions_get_by_id_request import InstitutionsGetByIdRequest
from plaid.model.institutions_get_by_id_request_options import InstitutionsGetByIdRequestOptions
from plaid.model.institutions_search_request import InstitutionsSearchRequest
from plaid.model.investments_holdings_get_request import InvestmentsHoldingsGetRequest
from plaid.model.investments_refresh_request import InvestmentsRefreshRequest
from plaid.model.investments_transactions_get_request import InvestmentsTransactionsGetRequest
from plaid.model.item_access_token_invalidate_request import ItemAccessTokenInvalidateRequest
from plaid.model.item_get_request import ItemGetRequest
from plaid.model.item_public_token_exchange_request import ItemPublicTokenExchangeRequest
from plaid.model.item_remove_request import ItemRemoveRequest
from plaid.model.item_webhook_update_request import ItemWebhookUpdateRequest
from plaid.model.link_token_create_request import LinkTokenCreateRequest
from plaid.model.link_token_create_request_user import LinkTokenCreateRequestUser
from plaid.model.link_token_get_request import LinkTokenGetRequest
from plaid.model.products import Products
from plaid.model.sandbox_item_fire_webhook_request import SandboxItemFireWebhookRequest
from plaid.model.sandbox_item_reset_login_request import SandboxItemResetLoginRequest
from plaid.model.sandbox_public_token_create_request import SandboxPublicTokenCreateRequest
from plaid.model.webhook_verification_key_get_request import WebhookVerificationKeyGetRequest

from plaid_link.sandbox.routes import ROUTES
from plaid_link.sandbox.users import BUILT_IN
from plaid_link.tests.openapi import PlaidContract

US = CountryCode("US")
TODAY = date.today()  # noqa: DTZ011
WINDOW = {"start_date": str(TODAY - timedelta(days=730)), "end_date": str(TODAY)}
NOWHERE = "http://127.0.0.1:9/webhook"


@pytest.fixture
def contract():
    return PlaidContract(settings.REFERENCE_DATA)


class Recording:
    """What Plaid's client is answered: path, status and body, as they came."""

    def __init__(self, pool):
        self.pool, self.answers = pool, []

    def request(self, method, url, **how):
        answer = self.pool.request(method, url, **how)
        self.answers.append((urlsplit(url).path, answer.status, json.loads(answer.data)))
        return answer


@pytest.fixture
def api_client(plaid_server):
    configuration = plaid.Configuration(
        host=plaid_server.url, api_key={"clientId": plaid_server.client_id, "secret": plaid_server.secret}
    )
    return plaid.ApiClient(configuration)


@pytest.fixture
def recording(api_client):
    api_client.rest_client.pool_manager = Recording(api_client.rest_client.pool_manager)
    return api_client.rest_client.pool_manager


@pytest.fixture
def client(api_client):
    return plaid_api.PlaidApi(api_client)


def test_serves_exactly_the_documented_paths(contract):
    assert set(ROUTES) == contract.paths


def test_plaids_client_calls_every_path_and_each_answer_is_as_documented(client, recording, plaid_server, contract):
    _live(client)
    _read_the_key(client, plaid_server)
    assert {path for path, *_ in recording.answers} == set(ROUTES) == contract.paths
    assert [found for answer in recording.answers for found in contract.errors(*answer)] == []


def _live(client):
    token = client.link_token_create(
        LinkTokenCreateRequest(
            client_name="Longview",
            language="en",
            country_codes=[US],
            user=LinkTokenCreateRequestUser(client_user_id="7"),
            products=[Products("investments")],
        )
    )["link_token"]
    assert client.link_token_get(LinkTokenGetRequest(link_token=token))["metadata"]["client_name"] == "Longview"
    public_token = client.sandbox_public_token_create(
        SandboxPublicTokenCreateRequest(institution_id="ins_12", initial_products=[Products("investments")])
    )["public_token"]
    access = client.item_public_token_exchange(ItemPublicTokenExchangeRequest(public_token=public_token))[
        "access_token"
    ]
    item = client.item_get(ItemGetRequest(access_token=access))["item"]
    institution = client.institutions_get_by_id(
        InstitutionsGetByIdRequest(
            institution_id=item["institution_id"],
            country_codes=[US],
            options=InstitutionsGetByIdRequestOptions(include_optional_metadata=True, include_status=True),
        )
    )["institution"]
    assert institution["name"] == "Fidelity"
    _read_everything(client, access)
    _change_and_remove(client, access)


def _read_everything(client, access):
    found = client.institutions_search(InstitutionsSearchRequest(query="van", country_codes=[US], products=None))
    assert [institution["name"] for institution in found["institutions"]] == ["Vanguard"]
    accounts = client.accounts_get(AccountsGetRequest(access_token=access))["accounts"]
    balances = client.accounts_balance_get(AccountsBalanceGetRequest(access_token=access))["accounts"]
    assert [account["account_id"] for account in accounts] == [account["account_id"] for account in balances]
    holdings = client.investments_holdings_get(InvestmentsHoldingsGetRequest(access_token=access))
    known = {security["security_id"] for security in holdings["securities"]}
    assert {holding["security_id"] for holding in holdings["holdings"]} == known
    rows = client.investments_transactions_get(
        InvestmentsTransactionsGetRequest(access_token=access, start_date=TODAY - timedelta(days=730), end_date=TODAY)
    )
    assert len(rows["investment_transactions"]) == 100 < rows["total_investment_transactions"]


def _change_and_remove(client, access):
    client.investments_refresh(InvestmentsRefreshRequest(access_token=access))
    updated = client.item_webhook_update(ItemWebhookUpdateRequest(access_token=access, webhook=NOWHERE))
    assert updated["item"]["webhook"] == NOWHERE
    assert client.sandbox_item_fire_webhook(
        SandboxItemFireWebhookRequest(access_token=access, webhook_code="DEFAULT_UPDATE")
    )["webhook_fired"]
    access = client.item_access_token_invalidate(ItemAccessTokenInvalidateRequest(access_token=access))[
        "new_access_token"
    ]
    assert client.sandbox_item_reset_login(SandboxItemResetLoginRequest(access_token=access))["reset_login"]
    client.item_remove(ItemRemoveRequest(access_token=access))
    with pytest.raises(plaid.ApiException) as error:
        client.item_remove(ItemRemoveRequest(access_token=access))
    assert "ITEM_NOT_FOUND" in error.value.body


def _read_the_key(client, plaid_server):
    kid = plaid_server.control("keys/rotate")["kid"]
    key = client.webhook_verification_key_get(WebhookVerificationKeyGetRequest(key_id=kid))["key"]
    assert (key["kid"], key["alg"], key["expired_at"]) == (kid, "ES256", None)


@pytest.mark.parametrize("username", [name for name in BUILT_IN if name not in ("user_errors", "user_bank")])
@pytest.mark.parametrize("path", ["/investments/holdings/get", "/investments/transactions/get"])
def test_investments_of_every_user_match_the_openapi(plaid_server, contract, username, path):
    access, _ = plaid_server.link(username)
    extra = {**WINDOW, "options": {"count": 500}} if "transactions" in path else {}
    answer = plaid_server.call(path, access_token=access, **extra)
    assert answer.status_code == 200
    assert contract.errors(path, 200, answer.json()) == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/item/get", {}),
        ("/accounts/get", {}),
        ("/accounts/balance/get", {}),
        ("/investments/refresh", {}),
        ("/item/webhook/update", {"webhook": NOWHERE}),
        ("/sandbox/item/reset_login", {}),
        ("/item/access_token/invalidate", {}),
        ("/item/remove", {"reason_code": "OTHER"}),
    ],
)
@pytest.mark.parametrize("username", ["user_good", "user_errors", "user_trader"])
def test_answers_about_an_item_match_the_openapi(plaid_server, contract, username, path, body):
    access, _ = plaid_server.link(username)
    answer = plaid_server.call(path, access_token=access, **body)
    assert contract.errors(path, answer.status_code, answer.json()) == []


def test_other_answers_match_the_openapi(plaid_server, contract):
    kid = plaid_server.control("keys/rotate")["kid"]
    link = {
        "client_name": "Longview",
        "language": "en",
        "country_codes": ["US"],
        "user": {"client_user_id": "7"},
        "products": ["investments"],
    }
    token = plaid_server.call("/link/token/create", **link).json()["link_token"]
    chosen = {"link_token": token, "institution_id": "ins_11", "username": "user_cash"}
    public_token = plaid_server.call("/link/complete", **chosen).json()["public_token"]
    options = {"include_optional_metadata": True, "include_status": True}
    for path, body in (
        ("/link/token/create", link),
        ("/link/token/get", {"link_token": token}),
        ("/item/public_token/exchange", {"public_token": public_token}),
        ("/institutions/get_by_id", {"institution_id": "ins_12", "country_codes": ["US"], "options": options}),
        ("/institutions/search", {"query": "fid", "country_codes": ["US"], "products": ["investments"]}),
        ("/webhook_verification_key/get", {"key_id": kid}),
        ("/sandbox/public_token/create", {"institution_id": "ins_12", "initial_products": ["investments"]}),
    ):
        answer = plaid_server.call(path, **body)
        assert (path, answer.status_code, contract.errors(path, answer.status_code, answer.json())) == (path, 200, [])


def test_fired_webhooks_are_answered_as_documented(plaid_server, contract):
    access, _ = plaid_server.link(webhook=NOWHERE)
    path = "/sandbox/item/fire_webhook"
    answer = plaid_server.call(path, access_token=access, webhook_type="HOLDINGS", webhook_code="DEFAULT_UPDATE")
    assert (answer.status_code, contract.errors(path, 200, answer.json())) == (200, [])


def test_numbers_keep_every_digit(plaid_server):
    access, _ = plaid_server.link("user_crypto")
    raw = plaid_server.call("/investments/holdings/get", access_token=access).text
    assert '"quantity":2700,' in raw
    assert '"cost_basis":null' in raw
