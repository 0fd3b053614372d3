"""Errors to Sentry and traces to OpenTelemetry, where they are configured; nothing at all where they are not.

The packages are optional (requirements-telemetry.txt). Errors go through the same redaction as the logs.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from django.conf import settings

from portfolio_site.lib.logs import redact

# Attributes of a trace, by the conventions of before and of now.
ADDRESSES = ("http.url", "http.target", "url.full", "url.path")
SENTRY, OPENTELEMETRY = "sentry_sdk", "opentelemetry.sdk"


def missing_packages() -> list[str]:
    """Settings that name a receiver whose package is not installed."""
    wanted = (
        ("SENTRY_DSN", settings.SENTRY_DSN, SENTRY),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", settings.OTLP_URL, OPENTELEMETRY),
    )
    return [name for name, receiver, package in wanted if receiver and not _is_installed(package)]


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False


def start(process: str) -> None:
    """Begin to report from this process: `web` or `worker`. Call once, after a fork."""
    if settings.SENTRY_DSN and _is_installed(SENTRY):
        _start_sentry(process)
    if settings.OTLP_URL and _is_installed(OPENTELEMETRY):
        _start_traces(process)


def _start_sentry(process: str) -> None:
    import sentry_sdk

    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        environment=settings.ENVIRONMENT,
        server_name=process,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        before_send=_without_secrets,
    )


def _without_secrets(event: Any, _hint: Any = None) -> Any:
    """The event with what looks like a secret taken out of every text in it, wherever it stands."""
    if isinstance(event, str):
        return redact(event, settings.LOG_SECRETS)
    if isinstance(event, Mapping):
        return {name: _without_secrets(value) for name, value in event.items()}
    if isinstance(event, list | tuple):
        return [_without_secrets(value) for value in event]
    return event


def _without_keys(span: Any, _request: Any) -> None:
    """A trace's addresses without what opens a door, and without queries, in which people search for anything."""
    told = {name: span.attributes[name] for name in ADDRESSES if name in (span.attributes or {})}
    for name, value in told.items():
        span.set_attribute(name, redact(str(value).partition("?")[0], settings.LOG_SECRETS))


def _start_traces(process: str) -> None:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.celery import CeleryInstrumentor
    from opentelemetry.instrumentation.django import DjangoInstrumentor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": f"longview-{process}"}))
    sender = OTLPSpanExporter(endpoint=f"{settings.OTLP_URL.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(sender))
    trace.set_tracer_provider(provider)
    DjangoInstrumentor().instrument(request_hook=_without_keys)
    CeleryInstrumentor().instrument()  # type: ignore[no-untyped-call]
