"""Plaid over HTTP through its official client, with exact numbers, a timeout on every call and one kind of error.

The client's own deserialisation turns numbers into floats and fails on a missing key, so bodies are read raw.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

import plaid
import urllib3
from django.conf import settings
from django.utils import timezone
from plaid.api.plaid_api import PlaidApi
from plaid.model.accounts_get_request import AccountsGetRequest
from plaid.model.country_code import CountryCode
from plaid.model.institutions_get_by_id_request import InstitutionsGetByIdRequest
from plaid.model.institutions_get_by_id_request_options import InstitutionsGetByIdRequestOptions
from plaid.model.investments_holdings_get_request import InvestmentsHoldingsGetRequest
from plaid.model.investments_transactions_get_request import InvestmentsTransactionsGetRequest
from plaid.model.investments_transactions_get_request_options import InvestmentsTransactionsGetRequestOptions
from plaid.model.item_get_request import ItemGetRequest
from plaid.model.item_public_token_exchange_request import ItemPublicTokenExchangeRequest
from plaid.model.item_remove_request import ItemRemoveRequest
from plaid.model.link_token_create_request import LinkTokenCreateRequest
from plaid.model.link_token_create_request_update import LinkTokenCreateRequestUpdate
from plaid.model.link_token_create_request_user import LinkTokenCreateRequestUser
from plaid.model.products import Products
from plaid.model.webhook_verification_key_get_request import WebhookVerificationKeyGetRequest

from plaid_link.health import GARBAGE_CODE, UNREACHABLE_CODE
from plaid_link.sources.base import SourceError
from plaid_link.sources.plaid.bounded import BoundedPool
from plaid_link.sources.plaid.reading import Answer

PAGE = 500
COUNTRIES = ("US",)
# Where the user has to tick accounts again.
CHOOSE_ACCOUNTS = frozenset({"NO_ACCOUNTS", "NEW_ACCOUNTS_AVAILABLE", "NO_INVESTMENT_ACCOUNTS"})
# A webhook waits for this answer, and Plaid for ours.
KEY_TIMEOUT_SECONDS = 3.0
LONGEST_WAIT_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class PlaidClient:
    """The calls that Longview makes. Answers are parsed JSON with Decimal numbers; every call raises SourceError."""

    api: PlaidApi

    def link_token(
        self, *, user_id: int, access_token: str | None = None, error_code: str = "", choose_accounts: bool = False
    ) -> str:
        """A token to open Link with; with an access token Link repairs that item (update mode) of its error.

        `choose_accounts`: the user ticks anew which of the item's accounts are shared.
        """
        request: dict[str, Any] = {
            "client_name": "Longview",
            "language": "en",
            "country_codes": [CountryCode(code) for code in COUNTRIES],
            "user": LinkTokenCreateRequestUser(client_user_id=str(user_id)),
        }
        if settings.PLAID_WEBHOOK_URL:
            request["webhook"] = settings.PLAID_WEBHOOK_URL
        if access_token:
            request["access_token"] = access_token
            request.update(_update_mode(error_code, choose_accounts))
        else:
            request["products"] = [Products("investments")]
        answer = _answer(self.api.link_token_create, LinkTokenCreateRequest(**request))
        return str(_required(answer, "link_token", str))

    def exchange(self, public_token: str) -> Answer:
        """`access_token` and `item_id`, either of which Plaid may leave out."""
        request = ItemPublicTokenExchangeRequest(public_token=public_token)
        return _answer(self.api.item_public_token_exchange, request)

    def item(self, access_token: str) -> Answer:
        return _object(_answer(self.api.item_get, ItemGetRequest(access_token=access_token)), "item")

    def institution(self, institution_id: str) -> Answer:
        request = InstitutionsGetByIdRequest(
            institution_id=institution_id,
            country_codes=[CountryCode(code) for code in COUNTRIES],
            options=InstitutionsGetByIdRequestOptions(include_optional_metadata=True),
        )
        return _object(_answer(self.api.institutions_get_by_id, request), "institution")

    def accounts(self, access_token: str) -> Answer:
        return _answer(self.api.accounts_get, AccountsGetRequest(access_token=access_token))

    def holdings(self, access_token: str) -> Answer:
        return _answer(self.api.investments_holdings_get, InvestmentsHoldingsGetRequest(access_token=access_token))

    def transactions_page(self, access_token: str, *, start: date, end: date, offset: int) -> Answer:
        """Up to 500 transactions of the window, from `offset` on."""
        options = InvestmentsTransactionsGetRequestOptions(count=PAGE, offset=offset)
        request = InvestmentsTransactionsGetRequest(
            access_token=access_token, start_date=start, end_date=end, options=options
        )
        return _answer(self.api.investments_transactions_get, request)

    def remove(self, access_token: str) -> None:
        """Tell Plaid to forget the item."""
        _answer(self.api.item_remove, ItemRemoveRequest(access_token=access_token))

    def webhook_key(self, key_id: str) -> Answer:
        """The public key, as a JWK, that Plaid signs webhooks with."""
        request = WebhookVerificationKeyGetRequest(key_id=key_id)
        answer = _answer(self.api.webhook_verification_key_get, request, timeout=KEY_TIMEOUT_SECONDS)
        return _object(answer, "key")


def _update_mode(error_code: str, choose_accounts: bool) -> dict[str, Any]:
    """What Link has to ask for, beyond a new sign-in, to repair an item of this error."""
    if choose_accounts or error_code in CHOOSE_ACCOUNTS:
        return {"update": LinkTokenCreateRequestUpdate(account_selection_enabled=True)}
    if error_code == "ADDITIONAL_CONSENT_REQUIRED":
        return {"additional_consented_products": [Products("investments")]}
    return {}


def client() -> PlaidClient:
    """The client for the PLAID_HOST of the settings; connections are shared within the process."""
    return PlaidClient(_api(settings.PLAID_HOST, settings.PLAID_CLIENT_ID, settings.PLAID_SECRET))


@lru_cache(maxsize=4)
def _api(host: str, client_id: str, secret: str) -> PlaidApi:
    configuration = plaid.Configuration(host=host.rstrip("/"), api_key={"clientId": client_id, "secret": secret})
    # Retrying is the caller's: it knows what is permanent, and how long the user has waited.
    configuration.retries = False
    api_client = plaid.ApiClient(configuration)
    api_client.rest_client.pool_manager = BoundedPool(api_client.rest_client.pool_manager)
    return PlaidApi(api_client)


def _answer(call: Callable[..., Any], request: Any, *, timeout: float | None = None) -> Answer:
    try:
        seconds = timeout or settings.PLAID_TIMEOUT_SECONDS
        response = call(request, _preload_content=False, _request_timeout=seconds)
        return _parsed(response.data)
    except plaid.ApiException as error:
        raise _source_error(error) from None
    except (urllib3.exceptions.TimeoutError, urllib3.exceptions.ProtocolError, OSError, AttributeError):
        # AttributeError: the client expects a body of every error, and a failed handshake has none.
        raise SourceError(UNREACHABLE_CODE, http_status=503) from None
    except (urllib3.exceptions.HTTPError, ValueError, RecursionError):
        raise SourceError(GARBAGE_CODE) from None


def _parsed(body: bytes) -> Answer:
    parsed = json.loads(body, parse_float=Decimal, parse_constant=_refuse)
    if not isinstance(parsed, dict):
        raise ValueError("not an object")
    return parsed


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _source_error(error: plaid.ApiException) -> SourceError:
    """Plaid's error code where its body has one; its text is for developers and is not passed on."""
    try:
        code = str(_parsed(str(error.body or "").encode())["error_code"])
    except (ValueError, KeyError):
        code = UNREACHABLE_CODE if error.status >= 500 else GARBAGE_CODE
    return SourceError(code[:60], http_status=error.status, retry_after=_retry_after(error.headers))


def _retry_after(headers: Any) -> float | None:
    """Seconds to wait, told as such or as a date; None where neither is told."""
    given = str((headers or {}).get("Retry-After", ""))
    if given.isdigit():
        return min(float(given), LONGEST_WAIT_SECONDS)
    try:
        told = parsedate_to_datetime(given)
    except ValueError:
        return None
    seconds = (told - timezone.now()).total_seconds() if told.tzinfo else 0.0
    return min(max(seconds, 0.0), LONGEST_WAIT_SECONDS)


def _object(answer: Answer, name: str) -> Answer:
    value: Answer = _required(answer, name, dict)
    return value


def _required(answer: Answer, name: str, kind: type) -> Any:
    """A part of an answer without which the rest means nothing. Raises SourceError."""
    value = answer.get(name)
    if not isinstance(value, kind):
        raise SourceError(GARBAGE_CODE)
    return value
