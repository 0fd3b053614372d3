"""/institutions/*"""

from typing import Any

from ..errors import PlaidError
from ..institutions import INSTITUTIONS, matching
from ..server import Call, Server


def get_by_id(server: Server, call: Call) -> dict[str, Any]:
    """One institution; colours and address only on request, as with Plaid."""
    record = INSTITUTIONS.get(call["institution_id"])
    if record is None:
        raise PlaidError("INVALID_INSTITUTION")
    options = call.options
    shown = record.shown(
        optional_metadata=bool(options.get("include_optional_metadata")), status=bool(options.get("include_status"))
    )
    return {"institution": shown}


def search(server: Server, call: Call) -> dict[str, Any]:
    """Institutions by the beginning of a word, that support all of the products asked for."""
    products = set(call.body.get("products") or ())
    found = [record for record in matching(call["query"]) if products <= set(record.products)]
    metadata = bool(call.options.get("include_optional_metadata"))
    return {"institutions": [record.shown(optional_metadata=metadata) for record in found]}
