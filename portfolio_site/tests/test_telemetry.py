"""Errors and traces reach receivers that are named, by a process of its own, and no secret goes with them."""

import gzip
import os
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import pytest
from django.conf import settings
from werkzeug import Request, Response

SECRET = "access-sandbox-0f8fad5b-d9cb-469f"
PROGRAM = f"""
import portfolio_site.wsgi
from django.test import Client
assert Client().get("/health", {{"q": "ada@example.com"}}).status_code == 200
Client(raise_request_exception=False).get("/accounts/password/reset/key/1-RESETKEY/")
try:
    raise RuntimeError("broke with {SECRET} of ada@example.com")
except RuntimeError:
    import sentry_sdk
    sentry_sdk.capture_exception()
    sentry_sdk.flush(10)
from opentelemetry import trace
trace.get_tracer_provider().shutdown()
"""


@pytest.mark.skipif(find_spec("sentry_sdk") is None, reason="requirements-telemetry.txt is not installed")
def test_an_error_and_a_trace_arrive_without_secrets(httpserver: Any) -> None:
    bodies: dict[str, bytes] = {}

    def receive(request: Request) -> Response:
        data = request.get_data()
        told = gzip.decompress(data) if request.headers.get("Content-Encoding") == "gzip" else data
        bodies[request.path] = bodies.get(request.path, b"") + told
        return Response(b"")

    for path in ("/api/1/envelope/", "/v1/traces"):
        httpserver.expect_request(path, method="POST").respond_with_handler(receive)
    environment = {
        **os.environ,
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "SENTRY_DSN": f"http://key@{httpserver.host}:{httpserver.port}/1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{httpserver.host}:{httpserver.port}",
    }
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, cwd=settings.BASE_DIR, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-2000:]
    error, traces = bodies["/api/1/envelope/"].decode(), bodies["/v1/traces"]
    assert "RuntimeError" in error
    assert "broke with access-[redacted]" in error
    assert SECRET not in error
    assert "ada@example.com" not in error
    assert b"longview-web" in traces
    assert b"RESETKEY" not in traces
    assert b"ada@example.com" not in traces
    assert b"ada%40example.com" not in traces
    assert b"/accounts/password/reset/key/[redacted]/" in traces
    assert b"GET health" in traces or b"/health" in traces
