"""What of a user's investments is looked at: filters shared by the API and the pages."""

from collections.abc import Mapping, Sequence
from typing import Any

import django_filters
from django import forms
from django.db import connection
from django.db.models import Q, QuerySet
from django.http import Http404
from django_filters.constants import EMPTY_VALUES
from drf_spectacular.utils import extend_schema_field

from investments.models import Account, Holding, Security, Transaction
from investments.models.security import PRIVATE_SOURCES, PUBLIC_SOURCES

SOURCE_FILTERS = ("all", "external", "brokerage")
BROKERAGE_SOURCES = (Security.Source.ALPACA,)
FIRST_ID, LAST_ID = 1, 2**63 - 1

# As Security.is_cash, in SQL.
IS_CASH = Q(security__type="cash", security__ticker_symbol__istartswith="CUR:")


class UnknownAccount(Http404):
    """An account that is not the user's: answered as if it did not exist."""


class UnknownSource(ValueError):
    """A source filter that does not exist."""


def selected_accounts(*, user_id: int, account_ids: Sequence[int] | None = None, source: str = "all") -> list[int]:
    """Ids of the user's accounts that pass the filters, closed ones too: their past counts. None or empty: all.

    Raises UnknownAccount when a named account is not the user's, UnknownSource when the source filter does not exist.
    """
    with connection.cursor() as cursor:  # every figure of a portfolio begins with it
        cursor.execute("SELECT id, source FROM investments_account WHERE owner_id = %s ORDER BY id", [user_id])
        sources = dict(cursor.fetchall())
    return chosen_accounts(sources=sources, account_ids=account_ids, source=source)


def chosen_accounts(
    *, sources: Mapping[int, str], account_ids: Sequence[int] | None = None, source: str = "all"
) -> list[int]:
    """As `selected_accounts`, of accounts that are read already: `sources` are those of all of the user's, by id."""
    if source not in SOURCE_FILTERS:
        raise UnknownSource(f"source_filter must be one of {', '.join(SOURCE_FILTERS)}")
    wanted = set(account_ids) if account_ids else sources.keys()
    if wanted - sources.keys():
        raise UnknownAccount
    return [pk for pk, its_source in sources.items() if pk in wanted and _passes(its_source, source)]


def _passes(account_source: str, source_filter: str) -> bool:
    if source_filter == "all":
        return True
    return (account_source in BROKERAGE_SOURCES) == (source_filter == "brokerage")


def securities_of(user: Any) -> QuerySet[Security]:
    """Securities that the user holds, has ever traded, or has entered. What others entered is nobody else's to see."""
    held = Holding.objects.for_user(user).values("security")
    traded = Transaction.objects.for_user(user).exclude(security=None).values("security")
    return Security.objects.filter(Q(pk__in=held) | Q(pk__in=traded) | entered_by(user.pk))


def securities_known_to(user: Any) -> QuerySet[Security]:
    """Those, and what institutions report: the same for everybody, and the user may name it."""
    return securities_of(user) | Security.objects.filter(source__in=PUBLIC_SOURCES)


def entered_by(owner_id: int) -> Q:
    """Securities that the owner has entered or imported."""
    return Q(source__in=PRIVATE_SOURCES, external_id__startswith=own_security_id(owner_id, ""))


def own_security_id(owner_id: int, key: str) -> str:
    """The id of a security that its owner has entered: two people who enter the same have two."""
    return f"{owner_id}:{key}"[:100]


class _IdsField(forms.Field):
    """`?name=1&name=2` as a list of ids."""

    widget = forms.SelectMultiple

    def clean(self, value: Any) -> list[int]:
        id_field = forms.IntegerField(min_value=FIRST_ID, max_value=LAST_ID)
        return [id_field.clean(item) for item in value or []]


@extend_schema_field({"type": "array", "items": {"type": "integer", "minimum": FIRST_ID}})
class AccountsFilter(django_filters.Filter):
    """Rows of these accounts; an id that is not the caller's raises UnknownAccount, so it looks like none at all."""

    field_class = _IdsField

    def filter(self, qs: QuerySet[Any], value: list[int]) -> QuerySet[Any]:
        if not value:
            return qs
        chosen = selected_accounts(user_id=self.parent.request.user.pk, account_ids=value)
        return qs.filter(**{f"{self.field_name}__in": chosen})


class SourceFilter(django_filters.ChoiceFilter):
    """`all`, `external` (linked through an aggregator, imported, by hand) or `brokerage` (held with the broker)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=[(name, name) for name in SOURCE_FILTERS], **kwargs)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        at_the_broker = {f"{self.field_name}__in": BROKERAGE_SOURCES}
        if value == "brokerage":
            return qs.filter(**at_the_broker)
        return qs.exclude(**at_the_broker) if value == "external" else qs


@extend_schema_field({"type": "integer", "minimum": FIRST_ID, "maximum": LAST_ID})
class IdFilter(django_filters.NumberFilter):
    """The id of a row."""


def id_filter(field_name: str, label: str) -> IdFilter:
    """The filter of one id; one that cannot exist is refused."""
    return IdFilter(field_name=field_name, label=label, min_value=FIRST_ID, max_value=LAST_ID, decimal_places=0)


ACCOUNT_LABEL = "An account id; repeat it for several."
SOURCE_LABEL = "Where the accounts are kept."


class AccountFilter(django_filters.FilterSet):
    filter_account = AccountsFilter(field_name="pk", label=ACCOUNT_LABEL)
    source_filter = SourceFilter(field_name="source", label=SOURCE_LABEL)
    account = AccountsFilter(field_name="pk", label="The same as filter_account.")
    institution = id_filter("institution", "Institution id.")

    class Meta:
        model = Account
        fields: list[str] = []


class HoldingFilter(django_filters.FilterSet):
    """Cash itself is left out unless `include_cash` asks for it."""

    filter_account = AccountsFilter(field_name="account", label=ACCOUNT_LABEL)
    source_filter = SourceFilter(field_name="account__source", label=SOURCE_LABEL)
    account = AccountsFilter(field_name="account", label="The same as filter_account.")
    institution = id_filter("account__institution", "Institution id.")
    security = id_filter("security", "Security id.")
    type = django_filters.CharFilter(field_name="security__type", lookup_expr="iexact", label="Security type.")
    subtype = django_filters.CharFilter(field_name="security__subtype", lookup_expr="iexact", label="Security subtype.")
    q = django_filters.CharFilter(method="search", label="Part of a ticker or name.")
    include_cash = django_filters.BooleanFilter(method="as_it_is", label="Cash rows too; `false` unless given.")
    group_by = django_filters.ChoiceFilter(
        choices=[("institution", "institution")], method="as_it_is", label="Groups with subtotals, instead of a list."
    )

    class Meta:
        model = Holding
        fields: list[str] = []

    @property
    def cash_shown(self) -> bool:
        return bool(self.form.cleaned_data["include_cash"])

    @property
    def grouped(self) -> bool:
        return bool(self.form.cleaned_data["group_by"])

    @property
    def narrowed(self) -> bool:
        """Whether only some securities are asked for, so that an account's cash is not part of the answer."""
        return any(self.form.cleaned_data[name] for name in ("security", "type", "subtype", "q"))

    def filter_queryset(self, queryset: QuerySet[Holding]) -> QuerySet[Holding]:
        queryset = super().filter_queryset(queryset)
        return queryset if self.cash_shown or self.grouped else queryset.exclude(IS_CASH)

    def as_it_is(self, queryset: QuerySet[Holding], _name: str, _value: Any) -> QuerySet[Holding]:
        """The parameter shapes the answer, not the rows."""
        return queryset

    def search(self, queryset: QuerySet[Holding], _name: str, text: str) -> QuerySet[Holding]:
        return queryset.filter(Q(security__ticker_symbol__icontains=text) | Q(security__name__icontains=text))


class SortFilter(django_filters.OrderingFilter):
    """The chosen order, newest last resort, and always total."""

    def filter(self, qs: QuerySet[Any], value: list[str]) -> QuerySet[Any]:
        if value in EMPTY_VALUES:
            return qs
        terms = [self.get_ordering_value(term) for term in value]
        return qs.order_by(*terms, "-pk" if terms[0].startswith("-") else "pk")


class TransactionFilter(django_filters.FilterSet):
    filter_account = AccountsFilter(field_name="account", label=ACCOUNT_LABEL)
    source_filter = SourceFilter(field_name="account__source", label=SOURCE_LABEL)
    account_id = AccountsFilter(field_name="account", label="The same as filter_account.")
    security = id_filter("security", "Security id.")
    ticker = django_filters.CharFilter(field_name="security__ticker_symbol", lookup_expr="iexact", label="Ticker.")
    type = django_filters.CharFilter(lookup_expr="iexact", label="buy, sell, cash, fee, transfer, cancel.")
    subtype = django_filters.CharFilter(lookup_expr="iexact", label="For example dividend, contribution, split.")
    date_from = django_filters.DateFilter(field_name="date", lookup_expr="gte", label="First day.")
    date_to = django_filters.DateFilter(field_name="date", lookup_expr="lte", label="Last day.")
    min_amount = django_filters.NumberFilter(
        field_name="amount",
        lookup_expr="gte",
        max_digits=20,
        label="Least amount; above zero is cash out of the account.",
    )
    max_amount = django_filters.NumberFilter(
        field_name="amount", lookup_expr="lte", max_digits=20, label="Greatest amount."
    )
    q = django_filters.CharFilter(method="search", label="Part of the description, a ticker or a security's name.")
    sort = SortFilter(
        fields={
            "date": "date",
            "amount": "amount",
            "quantity": "quantity",
            "type": "type",
            "subtype": "subtype",
            "symbol": "symbol",
            "account__name": "account",
        },
        label="`-` before a name turns the order round; `-date` unless given.",
    )

    class Meta:
        model = Transaction
        fields: list[str] = []

    def search(self, queryset: QuerySet[Transaction], _name: str, text: str) -> QuerySet[Transaction]:
        return queryset.filter(
            Q(name__icontains=text) | Q(security__ticker_symbol__icontains=text) | Q(security__name__icontains=text)
        )
