"""`Idempotency-Key`: a POST that is sent again has its effect once, and is answered as it was the first time.

The key is claimed by inserting a row in the request's own transaction, so that claim and effect are kept or lost
together. A twin that comes meanwhile waits on that row: once the first has committed it gets the stored answer, and if
the first failed it takes its place. Routes that talk to others open transactions of their own; there the claim is
committed first, a twin gets 409, and a failure gives the key back.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from psycopg.errors import LockNotAvailable
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from portfolio_site.lib import rls

HEADER = "Idempotency-Key"
LONGEST_KEY = 255
KEY = re.compile(rf"[A-Za-z0-9._:-]{{1,{LONGEST_KEY}}}")
KEPT = "24 hours"
# A claim that was committed and never answered: its process was killed. Longer than any request takes.
ABANDONED = "5 minutes"
PATIENCE = "10s"
KEPT_HEADERS = ("ETag", "Location")
REPLAYED_HEADER = "Idempotent-Replayed"
CHUNK = 2**20

CLAIM = f"""
INSERT INTO portfolio_site_idempotentrequest AS r (owner_id, key, fingerprint, created_at, headers, body)
VALUES (%(owner)s, %(key)s, %(fingerprint)s, clock_timestamp(), '{{}}', '')
ON CONFLICT (owner_id, key) DO UPDATE
SET fingerprint = excluded.fingerprint, created_at = clock_timestamp(), status = NULL, headers = '{{}}', body = ''
WHERE r.created_at < clock_timestamp()
    - CASE WHEN r.status IS NULL THEN interval '{ABANDONED}' ELSE interval '{KEPT}' END
RETURNING id
"""
STORED = """
SELECT fingerprint, status, headers::text, body FROM portfolio_site_idempotentrequest
WHERE owner_id = %(owner)s AND key = %(key)s
"""
ANSWERED = """
UPDATE portfolio_site_idempotentrequest SET status = %(status)s, headers = %(headers)s::jsonb, body = %(body)s
WHERE id = %(id)s
"""
FORGOTTEN = "DELETE FROM portfolio_site_idempotentrequest WHERE id = %(id)s"


@dataclass(frozen=True, slots=True)
class Claim:
    """A key that this request has to itself. `committed`: outside of the request's transaction."""

    row_id: int
    owner_id: int
    committed: bool


class Replayed(exceptions.APIException):
    """The request was made before: `answer` is what it was answered then."""

    def __init__(self, answer: HttpResponse) -> None:
        super().__init__("")
        self.answer = answer


class KeyReused(exceptions.APIException):
    status_code = 409
    default_detail = "This Idempotency-Key was used for another request."


class UnderWay(exceptions.APIException):
    status_code = 409
    default_detail = "The same request is still being worked on. Ask again in a moment."


class OnceByKey(BaseThrottle):
    """Stands among the throttles because they come last: the caller is known by then and may do what they ask."""

    def allow_request(self, request: Request, view: object) -> bool:
        """Raises Replayed, KeyReused, UnderWay; ValidationError for a key that is none."""
        key = request.headers.get(HEADER)
        if request.method != "POST" or key is None or not request.user.is_authenticated:
            return True
        if not KEY.fullmatch(key):
            raise exceptions.ValidationError({HEADER: [f"At most {LONGEST_KEY} letters, digits and . _ : -"]})
        claim = _claimed(request.user.pk, key, _fingerprint(request))
        request._request.idempotency_claim = claim  # type: ignore[attr-defined]
        return True


class IdempotencyMiddleware:
    """Keeps the answer of a request that claimed a key. Stands inside of the tenant's transaction."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        claim: Claim | None = getattr(request, "idempotency_claim", None)
        if claim is None:
            return answer
        if claim.committed:
            with rls.tenant(claim.owner_id):
                _keep(claim, answer) if answer.status_code < 400 else _run(FORGOTTEN, id=claim.row_id)
        elif answer.status_code < 400:
            _keep(claim, answer)
        return answer


def _claimed(owner_id: int, key: str, fingerprint: str) -> Claim:
    committed = not connection.in_atomic_block
    with transaction.atomic():
        rls.set_tenant(owner_id)
        row = _inserted(owner=owner_id, key=key, fingerprint=fingerprint)
        if row is not None:
            return Claim(row[0], owner_id, committed)
        known, status, headers, body = _run(STORED, owner=owner_id, key=key)
    if known != fingerprint:
        raise KeyReused
    if status is None:
        raise UnderWay
    raise Replayed(_answer(status, headers, body))


def _inserted(**values: Any) -> Any:
    """The row, or None where there is one already. Waits for a twin, but not for ever: raises UnderWay."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [PATIENCE])
            cursor.execute(CLAIM, values)
            row = cursor.fetchone()
            cursor.execute("SELECT set_config('lock_timeout', '0', true)")
            return row
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise UnderWay from error
        raise


def _run(statement: str, **values: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone() if cursor.description else None


def _keep(claim: Claim, answer: HttpResponseBase) -> None:
    headers = {name: answer[name] for name in ("Content-Type", *KEPT_HEADERS) if name in answer}
    body = _body().seal(getattr(answer, "content", b""))
    _run(ANSWERED, id=claim.row_id, status=answer.status_code, headers=json.dumps(headers), body=body)


def _answer(status: int, headers: str, body: bytes) -> HttpResponse:
    content = _body().open(bytes(body))
    return HttpResponse(content, status=status, headers={**json.loads(headers), REPLAYED_HEADER: "true"})


def _body() -> Any:
    """The sealed column of answers."""
    return apps.get_model("portfolio_site", "IdempotentRequest")._meta.get_field("body")


def _fingerprint(request: Request) -> str:
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\0".encode())
    for part in _parts(request):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def _parts(request: Request) -> Iterator[bytes]:
    """The body; of a form its fields and files, because its boundary differs each time it is sent."""
    if not (request.content_type or "").startswith("multipart/"):
        yield request._request.body
        return
    form: Any = request.data
    for name in sorted(form):
        for value in form.getlist(name):
            yield name.encode()
            yield _content(value) if hasattr(value, "chunks") else str(value).encode()


def _content(file: Any) -> bytes:
    digest = hashlib.sha256()
    for chunk in file.chunks(CHUNK):
        digest.update(chunk)
    file.seek(0)
    return digest.digest()
