"""System checks: production does not start with what is only good for a demo."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured

from portfolio_site.lib import telemetry
from portfolio_site.lib.crypto import Keyring, KeyringError

SHORTEST_SECRET = 50
KEYRINGS = ("ENCRYPTION_KEYS", "LOOKUP_KEYS")
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@register()
def telemetry_packages(**_kwargs: Any) -> list[CheckMessage]:
    """An error for each receiver that is named while the package that would report to it is missing."""
    hint = "pip install -r requirements-telemetry.txt"
    names = telemetry.missing_packages()
    return [Error(f"{name} is set and its package is not installed.", hint=hint, id="longview.E007") for name in names]


@register(Tags.security)
def production_secrets(**_kwargs: Any) -> list[CheckMessage]:
    """Errors for an unusable keyring, and in production for everything that is only the demo's."""
    if not settings.PRODUCTION:
        return _keyrings()
    return [*_secret_key(), *(_keyrings() or [*_demo_keys(), *_shared_keys()]), *_plaid(), *_debug()]


def refuse_demo_secrets() -> None:
    """Raise ImproperlyConfigured where `production_secrets` finds errors: servers run no checks by themselves."""
    errors = production_secrets()
    if errors:
        raise ImproperlyConfigured("; ".join(f"{error.msg} {error.hint} ({error.id})" for error in errors))


def _secret_key() -> list[CheckMessage]:
    if settings.SECRET_KEY == settings.DEMO_SECRET:
        return [Error("SECRET_KEY is the demo's.", hint="Set it to a long random string.", id="longview.E001")]
    if len(settings.SECRET_KEY) < SHORTEST_SECRET:
        hint = f"Use at least {SHORTEST_SECRET} random characters."
        return [Error("SECRET_KEY is too short.", hint=hint, id="longview.E002")]
    return []


def _keyrings() -> list[CheckMessage]:
    hint = "It is `key-id:base64 of 32 random bytes`, comma-separated."
    return [Error(problem, hint=hint, id="longview.E003") for name in KEYRINGS if (problem := _problem(name))]


def _problem(name: str) -> str:
    try:
        Keyring.parse(getattr(settings, name), name)
    except KeyringError as error:
        return str(error)
    return ""


def _demo_keys() -> list[CheckMessage]:
    demo = {key for name in KEYRINGS for key in Keyring.parse(getattr(settings, f"DEMO_{name}")).keys.values()}
    hint = "Make a key of your own, and drop this one."
    return [
        Error(f"{name} holds the demo's key.", hint=hint, id="longview.E004")
        for name in KEYRINGS
        if demo & set(Keyring.parse(getattr(settings, name)).keys.values())
    ]


def _shared_keys() -> list[CheckMessage]:
    seals, finds = (set(Keyring.parse(getattr(settings, name)).keys.values()) for name in KEYRINGS)
    hint = "Make one key for each: they are not changed at the same times, nor known to the same people."
    return [Error("A key is in ENCRYPTION_KEYS and in LOOKUP_KEYS.", hint=hint, id="longview.E008")] * bool(
        seals & finds
    )


def _plaid() -> list[CheckMessage]:
    host = urlsplit(settings.PLAID_HOST)
    if host.scheme == "https" and host.hostname not in LOOPBACK:
        return []
    hint = "Set it to https://production.plaid.com."
    return [Error("PLAID_HOST is not an https address of Plaid.", hint=hint, id="longview.E005")]


def _debug() -> list[CheckMessage]:
    return [Error("DEBUG is on.", hint="Unset it.", id="longview.E006")] if settings.DEBUG else []
