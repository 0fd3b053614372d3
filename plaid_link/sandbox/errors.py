"""Plaid's errors: types, messages and statuses as documented."""

from typing import Any, Final

LOGIN_REQUIRED: Final = (
    "the login details of this item have changed (credentials, MFA, or required user action) and a user login is "
    "required to update this information. use Link's update mode to restore the item to a good state"
)
INSTITUTION: Final = "this institution is not currently responding to this request. please try again soon"
INSTITUTION_SHOWN: Final = (
    "This financial institution is not currently responding to requests. We apologize for the inconvenience."
)
RATE: Final = "rate limit exceeded for attempts to access this item. please try again later"
NO_INVESTMENTS: Final = (
    "There are no valid investment account(s) associated with this Item. "
    "See https://plaid.com/docs/api/#item-errors for more information."
)
NOT_FOUND: Final = (
    "The Item you requested cannot be found. This Item does not exist, has been previously removed via /item/remove, "
    "or has had access removed by the user."
)
REVOKED: Final = "the holder of this account has revoked their permission for your application to access it"

# code: message, message to show
ITEM: Final = {
    "ITEM_LOGIN_REQUIRED": (LOGIN_REQUIRED, None),
    "PRODUCT_NOT_READY": (
        "the requested product is not yet ready. please provide a webhook or try the request again later",
        None,
    ),
    "NO_INVESTMENT_ACCOUNTS": (NO_INVESTMENTS, None),
    "PRODUCTS_NOT_SUPPORTED": (
        'the following products are not supported by this institution: ["investments"]',
        None,
    ),
    "NO_ACCOUNTS": ("no valid accounts were found for this item", "No valid accounts were found at the institution."),
    "ACCESS_NOT_GRANTED": (
        "access to this product was not granted for the account",
        "The user did not grant the necessary permissions for this product on their account.",
    ),
    "ITEM_NOT_FOUND": (NOT_FOUND, None),
    "ITEM_LOCKED": (
        "the account is locked. prompt the user to visit the institution's site and unlock their account",
        "The given account has been locked by the financial institution.",
    ),
    "INVALID_CREDENTIALS": (
        "the provided credentials were not correct",
        "The provided credentials were not correct. Please try again.",
    ),
    "ITEM_NOT_SUPPORTED": (
        "this account is currently not supported",
        "The given account is not currently supported for this financial institution.",
    ),
}
INPUT: Final = {
    "INVALID_ACCESS_TOKEN": "could not find matching access token",
    "INVALID_ACCOUNT_ID": "failed to find requested account ID for requested item",
    "INVALID_API_KEYS": "invalid client_id or secret provided",
    "INVALID_INSTITUTION": "invalid institution_id provided",
    "INVALID_PUBLIC_TOKEN": "could not find matching public token",
    "INVALID_LINK_TOKEN": "invalid link_token provided",
    "USER_PERMISSION_REVOKED": REVOKED,
    "INVALID_WEBHOOK_VERIFICATION_KEY_ID": (
        "invalid key_id provided. note that key_ids are specific to Plaid environments, and verification requests "
        "must be made to the same environment that the webhook was sent from"
    ),
}
REQUEST: Final = {
    "MISSING_FIELDS": "the following required fields are missing: {0}",
    "UNKNOWN_FIELDS": "the following fields are not recognized by this endpoint: {0}",
    "INVALID_FIELD": "{0}",
    "INVALID_BODY": "body could not be parsed as JSON",
    "NOT_FOUND": "not found",
}
SANDBOX: Final = {
    "SANDBOX_PRODUCT_NOT_ENABLED": "The investments product is not enabled on this item",
    "SANDBOX_WEBHOOK_INVALID": (
        "Webhook for this item is either not set up, or invalid. Please update the item's webhook and try again."
    ),
}
API: Final = {
    "INTERNAL_SERVER_ERROR": "an unexpected error occurred",
    "PLANNED_MAINTENANCE": "the Plaid API is temporarily unavailable due to planned maintenance",
}
STATUSES: Final = {"NOT_FOUND": 404, "INTERNAL_SERVER_ERROR": 500, "PLANNED_MAINTENANCE": 503}


class PlaidError(Exception):
    """An answer that is an error. `headers` are added to it."""

    def __init__(
        self, code: str, detail: str = "", *, status: int | None = None, headers: dict[str, str] | None = None
    ):
        super().__init__(code)
        self.code = code
        self.type, message, self.shown = _known(code)
        self.message = message.replace("{0}", detail)
        self.status = status or STATUSES.get(code) or (429 if self.type == "RATE_LIMIT_EXCEEDED" else 400)
        self.headers = headers or {}

    def body(self, request_id: str | None = None) -> dict[str, Any]:
        """Plaid's error object; inside of an item or a webhook it goes without a request id."""
        body = {
            "error_type": self.type,
            "error_code": self.code,
            "error_message": self.message,
            "display_message": self.shown,
        }
        return {**body, "status": self.status} if request_id is None else {**body, "request_id": request_id}


def _known(code: str) -> tuple[str, str, str | None]:
    """Type, message and message to show. An unknown code is an API error, for tests of the client."""
    if code in ITEM:
        return "ITEM_ERROR", *ITEM[code]
    if code.startswith("INSTITUTION_") and not code.endswith("LIMIT"):
        return "INSTITUTION_ERROR", INSTITUTION, INSTITUTION_SHOWN
    if code.endswith("LIMIT"):
        return "RATE_LIMIT_EXCEEDED", RATE, None
    for type, messages in (
        ("INVALID_INPUT", INPUT),
        ("INVALID_REQUEST", REQUEST),
        ("SANDBOX_ERROR", SANDBOX),
        ("API_ERROR", API),
    ):
        if code in messages:
            return type, messages[code], None
    return "API_ERROR", API["INTERNAL_SERVER_ERROR"], None
