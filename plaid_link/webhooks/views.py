"""`POST /api/webhooks/plaid`: answered as soon as the row is committed."""

import logging

from django.db import DataError, OperationalError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from plaid_link.webhooks import refusals
from plaid_link.webhooks.payload import BadBody
from plaid_link.webhooks.receive import TooLarge, receive
from plaid_link.webhooks.verify import NotVerified

logger = logging.getLogger(__name__)


@csrf_exempt
def plaid_webhook(request: HttpRequest) -> JsonResponse:
    """200 once stored; 401 not Plaid's; 400 no webhook; 413 over 256 KB; 405; 503 when the database is down.

    A plain view, on purpose: no session, no serializer, one INSERT.
    """
    if request.method != "POST":
        return _refused(405, "Webhooks are POSTed", headers={"Allow": "POST"})
    try:
        receive(request)
    except TooLarge:
        return _refused(413, "The body is larger than 256 KB", count="too_large")
    except NotVerified as refusal:
        logger.warning("Webhook refused: %s (%s)", refusal, refusal.reason)
        return _refused(401, "This webhook could not be verified", count=refusal.reason)
    except BadBody as refusal:
        return _refused(400, str(refusal), count="bad_body")
    except DataError:
        # PostgreSQL's JSON is stricter than Python's: no NUL, no half of a surrogate pair, no infinite number.
        return _refused(400, "The body has a character or number that cannot be stored", count="bad_body")
    except OperationalError:
        logger.exception("A webhook could not be stored; Plaid will send it again")
        return _refused(503, "Not stored; send it again", headers={"Retry-After": "30"})
    return JsonResponse({"status": "received"})


def _refused(status: int, error: str, *, count: str = "", headers: dict[str, str] | None = None) -> JsonResponse:
    if count:
        refusals.count(count)
    return JsonResponse({"error": error}, status=status, headers=headers)
