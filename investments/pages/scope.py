"""What a page looks at: everything, one institution, or one account. Kept in the URL as `?account=`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from django.http import HttpRequest
from django.utils.http import urlencode

from investments.filters import UnknownAccount
from investments.kinds import account_kind
from investments.models import Account, Institution

INSTITUTION_PREFIX = "institution-"
EVERYTHING = "All accounts"


@dataclass(frozen=True, slots=True)
class AccountChoice:
    """`stale_since`: the day of the last good sync, where the source needs attention."""

    pk: int
    key: str
    name: str
    mask: str
    kind: str
    stale_since: date | None


@dataclass(frozen=True, slots=True)
class InstitutionChoice:
    key: str
    institution: Institution
    accounts: tuple[AccountChoice, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """`account_ids` are the accounts meant, closed ones too, because their past counts; `groups` are all open ones."""

    key: str
    label: str
    account_ids: tuple[int, ...]
    groups: tuple[InstitutionChoice, ...]

    @property
    def is_everything(self) -> bool:
        return not self.key

    @property
    def account_count(self) -> int:
        return sum(len(group.accounts) for group in self.groups)

    @property
    def query(self) -> str:
        """What a link needs to stay in this scope: `?account=12`, or nothing."""
        return f"?{urlencode(self.parameters)}" if self.key else ""

    @property
    def parameters(self) -> dict[str, str]:
        """The same for a link that needs more: `{"account": "12"}`, or nothing."""
        return {"account": self.key} if self.key else {}


def scope_of(request: HttpRequest) -> Scope:
    """The scope that the request's `?account=` names; asked for once a request.

    Raises UnknownAccount, answered as 404, for an account or institution that the user does not have.
    """
    if not hasattr(request, "_scope"):
        accounts = (
            Account.objects.for_user(request.user).select_related("institution").order_by(*Account._meta.ordering)
        )
        request._scope = _scope(list(accounts), request.GET.get("account", ""))  # type: ignore[attr-defined]
    scope: Scope = request._scope  # type: ignore[attr-defined]
    return scope


def _scope(accounts: Sequence[Account], key: str) -> Scope:
    groups = tuple(_choices([account for account in accounts if account.closed_at is None]))
    if not key:
        return Scope("", EVERYTHING, tuple(account.pk for account in accounts), groups)
    meant = [account for account in accounts if key in (str(account.pk), _institution_key(account))]
    if not meant:
        raise UnknownAccount(key)
    label = meant[0].institution.name if key.startswith(INSTITUTION_PREFIX) else meant[0].name
    return Scope(key, label, tuple(account.pk for account in meant), groups)


def _choices(accounts: Sequence[Account]) -> list[InstitutionChoice]:
    by_institution = sorted(accounts, key=lambda account: (account.institution.name, account.institution_id))
    return [
        InstitutionChoice(key, members[0].institution, tuple(_choice(account) for account in members))
        for key, members in ((key, list(rows)) for key, rows in groupby(by_institution, key=_institution_key))
    ]


def _choice(account: Account) -> AccountChoice:
    stale_since = account.synced_at.date() if account.needs_attention and account.synced_at else None
    return AccountChoice(account.pk, str(account.pk), account.name, account.mask, account_kind(account), stale_since)


def _institution_key(account: Account) -> str:
    return f"{INSTITUTION_PREFIX}{account.institution_id}"
