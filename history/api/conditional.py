"""Answers that are sent once: whoever has the same one already is told so."""

import hashlib

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.http import quote_etag
from rest_framework.request import Request


def conditional(request: Request, content: bytes) -> HttpResponseBase:
    """The JSON with an ETag of its content, or 304 to the same one's `If-None-Match`."""
    etag = quote_etag(hashlib.sha256(content).hexdigest()[:32])
    response = HttpResponse(content, content_type="application/json", headers={"ETag": etag})
    patch_cache_control(response, private=True, no_cache=True)
    return get_conditional_response(request._request, etag=etag, response=response) or response
