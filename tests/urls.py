"""Every URL of the site, with the address it has when the ids in it are one owner's."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from allauth.usersessions.models import UserSession
from django.apps import apps
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from investments.models import Account, CorporateAction, IdenticalGroup, Security, Transaction
from plaid_link.models import ImportBatch, Item, UnplacedAccount
from portfolio_site.models import Job

# Which model the id in a URL names. A new URL with an id fails the tests until it is here.
NAMED_BY_ID: dict[str, type[Any]] = {
    "api-job": Job,
    "connection_refresh": Item,
    "connection_disconnect": Item,
    "connection_place": UnplacedAccount,
    "api-unplaced-account": UnplacedAccount,
    **dict.fromkeys(
        (
            "api-import",
            "api-import-rows",
            "api-import-confirm",
            "api-import-undo",
            "import",
            "import_answer",
            "import_confirm",
            "import_undo",
            "import_discard",
        ),
        ImportBatch,
    ),
    "transaction": Transaction,
    "transaction_void": Transaction,
    "api-income-preference": Account,
    "income_preference": Account,
    "api-ledger-row": Transaction,
    "session_end": UserSession,
    "program_end": OutstandingToken,
    "api-account-row": Account,
    "account_close": Account,
    "api-security": Security,
    "api-instrument": Security,
    "api-corporate-action": CorporateAction,
    "api-lot-method": Account,
    "api-lot-picks": Transaction,
    "api-identical-group": IdenticalGroup,
    "tax_rules_group": IdenticalGroup,
    "tax_rules_forget": IdenticalGroup,
    "api-ledger-versions": Transaction,
    "api-ledger-restore": Transaction,
}
# Rows without an owner that one owner alone has to do with (tests.everything makes such).
OWNED_THROUGH: dict[type[Any], str] = {
    Security: "transactions__owner",
    CorporateAction: "security__transactions__owner",
}
# Parts of addresses that name no row of a tenant.
OTHER_PARTS: dict[str, dict[str, str]] = {
    "admin:app_list": {"app_label": "investments"},
    "admin:view_on_site": {"content_type_id": "1", "object_id": "1"},
    "account_confirm_email": {"key": "abc"},
    "runbook": {"name": "late-eod"},
    "api-quote": {"symbol": "AAPL"},
    "api-asset": {"symbol": "ZQ7MARK"},
    "account_reset_password_from_key": {"uidb36": "1", "key": "abc-def"},
}
PART = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>(?:\[[^]]*\]|[^)[])*\)")


class UnlistedUrl(AssertionError):
    """A URL with an id that tests/urls.py does not know."""


@dataclass(frozen=True, slots=True)
class Url:
    """`name` with its namespace, empty for one that has none; `route` with its placeholders."""

    name: str
    route: str

    @property
    def parts(self) -> list[str]:
        return [typed or named for typed, named in PART.findall(self.route)]

    @property
    def in_admin(self) -> bool:
        return self.route.startswith("admin/")

    @property
    def in_api(self) -> bool:
        return self.route.startswith(("api/", "health", "webhook/"))

    def address(self, owner: Any) -> str:
        """The address with ids of rows that are the owner's. Raises UnlistedUrl."""
        values = self._values(owner)
        if set(self.parts) - values.keys():
            raise UnlistedUrl(f"{self.name or self.route}: tell tests/urls.py which row {self.parts} names")
        filled = PART.sub(lambda part: values[part[1] or part[2]], self.route)
        return "/" + re.sub(r"[\^$]", "", filled)

    def names_a_row_of_the_owner(self) -> bool:
        return self.name in NAMED_BY_ID

    def _values(self, owner: Any) -> Mapping[str, str]:
        if self.name in NAMED_BY_ID:
            model = NAMED_BY_ID[self.name]
            row = model.objects.filter(**_of(model, owner))[0]
            return dict.fromkeys(self.parts, str(row.pk))
        if self.in_admin and self.parts == ["object_id"]:
            return {"object_id": _id_in_admin(self.route, owner)}
        return {"url": "x", **OTHER_PARTS.get(self.name, {})} if self.in_admin else OTHER_PARTS.get(self.name, {})


def _of(model: type[Any], owner: Any) -> dict[str, Any]:
    if model in (UserSession, OutstandingToken):
        return {"user": owner}
    path = OWNED_THROUGH.get(model)
    if path is None:
        return {"owner": owner}
    return {path: owner, path.replace("transactions__owner", "source"): "manual"}


def _id_in_admin(route: str, owner: Any) -> str:
    _, app, name, *_ = route.split("/")
    model = apps.get_model(app, name)
    fields = {field.name for field in model._meta.fields}
    row = model._default_manager.filter(**({"owner": owner} if "owner" in fields else {})).first()
    return str(row.pk) if row else "1"


def every_url() -> list[Url]:
    """All URLs of the root configuration."""
    return list(_walk(get_resolver(), "", ""))


def _walk(resolver: URLResolver, route: str, namespace: str) -> Iterator[Url]:
    for entry in resolver.url_patterns:
        here = route + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _walk(entry, here, f"{entry.namespace}:" if entry.namespace else namespace)
        elif isinstance(entry, URLPattern):
            yield Url(name=f"{namespace}{entry.name}" if entry.name else "", route=here)


def ids_of(owner: Any) -> dict[str, Any]:
    """Everything by which a request may name what is the owner's, under the names that requests use."""
    account = Account.objects.filter(owner=owner)[0]
    item = Item.objects.filter(owner=owner)[0]
    private = Security.objects.filter(source="manual", transactions__owner=owner)[0]
    return {
        "user_id": owner.pk,
        "filter_account": account.pk,
        "account": account.pk,
        "account_id": account.pk,
        "institution": account.institution_id,
        "security": private.pk,
        "security_id": private.pk,
        "ticker": private.ticker_symbol,
        "symbol": private.ticker_symbol,
        "item": item.pk,
        "item_id": item.item_id,
        "public_token": "public-sandbox-of-nobody",
        "job": str(Job.objects.filter(owner=owner)[0].pk),
        "job_id": str(Job.objects.filter(owner=owner)[0].pk),
    }
