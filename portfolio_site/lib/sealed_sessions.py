"""What a session remembers names its user (allauth notes the address they signed in with), so it is sealed."""

from typing import Any, Final

from django.core.signing import JSONSerializer

from portfolio_site.lib.crypto import keyring

CONTEXT: Final = b"session"


class SealedSerializer:
    """JSON, sealed. A session that no key opens is an empty one: its user signs in again."""

    def dumps(self, session: Any) -> bytes:
        return keyring().seal(JSONSerializer().dumps(session), context=CONTEXT)

    def loads(self, stored: bytes) -> Any:
        return JSONSerializer().loads(keyring().open(stored, context=CONTEXT))
