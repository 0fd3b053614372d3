"""What a browser shows without a network: a page that holds no figures, and the worker that brings it out."""

import hashlib
import json

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.views.decorators.cache import cache_control

STYLES = "tokens base shell button menu panel figures table form banner dialog focus chart overview offline print"
FILES = (*(f"css/{name}.css" for name in STYLES.split()), "js/offline.js", "favicon.svg")


@cache_control(public=True, max_age=300)
def offline(request: HttpRequest) -> HttpResponse:
    """The same for everybody: the figures are in the browser's own storage, until somebody signs out."""
    return render(request, "portfolio_site/offline/page.html")


@cache_control(no_cache=True)
def service_worker(request: HttpRequest) -> HttpResponse:
    """At the root, so that all pages are within its reach. It changes, and browsers take it, when a file does."""
    files = [reverse("offline"), *map(static, FILES)]
    version = hashlib.sha256(" ".join(files).encode()).hexdigest()[:12]
    context = {"files": mark_safe(json.dumps(files, indent=2)), "version": version}
    return render(request, "portfolio_site/offline/worker.js", context, content_type="text/javascript")
