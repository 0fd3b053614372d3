"""`/api/v1/accounts`: the accounts to read, and those kept by hand to open, change and close."""

import hashlib
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from investments import ledger, manual
from investments.api.accounts import EXAMPLE, AccountSerializer, AccountViewSet
from investments.models import Account, Security
from portfolio_site.lib.errors import PROBLEM_JSON, problem
from portfolio_site.lib.money import is_currency
from portfolio_site.lib.texts import Text

BY_HAND = (Security.Source.MANUAL, Security.Source.CSV)
NEW = {"name": "Old 401(k)", "subtype": "401k", "currency": "USD"}
KEPT = EXAMPLE | {"source": "manual", "name": "Old 401(k)", "subtype": "401k"}
STALE_ANSWER: Any = (409, PROBLEM_JSON)
IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="The ETag that you have seen; without it the last word wins."
)
STALE = OpenApiResponse(
    inline_serializer("AccountConflict", {"current": AccountSerializer(required=False)}),
    description="It has changed since, or a connection keeps it: `current` is the account as it stands.",
)


class NewAccountSerializer(serializers.Serializer[Any]):
    name = Text(max_length=200)
    subtype = Text(max_length=60, default="brokerage", help_text="As brokerage, ira, 401k, roth.")
    currency = Text(max_length=3, default="USD")

    def validate_currency(self, code: str) -> str:
        if not is_currency(code):
            raise ValidationError("Not the code of a currency.")
        return code


class AccountChangeSerializer(serializers.Serializer[Any]):
    """What is left out stays as it is."""

    name = Text(max_length=200, required=False, help_text="Of an account that you keep by hand.")
    lot_method = serializers.ChoiceField(choices=Account.LotMethod.choices, required=False)
    income_preference = serializers.ChoiceField(choices=Account.IncomePreference.choices, required=False)


@extend_schema(tags=["ledger"])
class AccountRowViewSet(AccountViewSet):
    @extend_schema(summary="Accounts", operation_id="v1_accounts_list")
    def list(self, request: Request) -> Response:
        """The same list as `/api/investments/accounts`."""
        return super().list(request)

    @extend_schema(
        summary="Open an account by hand",
        request=NewAccountSerializer,
        responses={201: AccountSerializer},
        examples=[
            OpenApiExample("An old plan", value=NEW, request_only=True),
            OpenApiExample("As it stands", value=KEPT, response_only=True, status_codes=["201"]),
        ],
    )
    def create(self, request: Request) -> Response:
        """An account that nobody reports. It holds what its transactions leave: add them by hand or import a file."""
        told = NewAccountSerializer(data=request.data)
        told.is_valid(raise_exception=True)
        account = manual.open_account(owner_id=request.user.pk, **told.validated_data)
        return self._answer(account.pk, status=201)

    @extend_schema(summary="An account", responses=AccountSerializer)
    def retrieve(self, request: Request, pk: int) -> Response:
        """One of your open accounts. The ETag is what `If-Match` asks for."""
        return self._answer(self.get_object().pk)

    @extend_schema(
        summary="Change an account",
        request=AccountChangeSerializer,
        parameters=[IF_MATCH],
        responses={200: AccountSerializer, STALE_ANSWER: STALE},
        examples=[
            OpenApiExample("Highest cost first", value={"lot_method": "hifo"}, request_only=True),
            OpenApiExample("As it stands", value=EXAMPLE | {"lot_method": "hifo"}, response_only=True),
        ],
    )
    def partial_update(self, request: Request, pk: int) -> Response:
        """Its lot rule, what its dividends are meant for, and the name of one that you keep by hand."""
        account = self._locked()
        told = AccountChangeSerializer(data=request.data)
        told.is_valid(raise_exception=True)
        if request.headers.get("If-Match", "*") not in ("*", _etag(account)):
            return self._conflict(account, "This account has changed since you have seen it.")
        values = told.validated_data
        if "name" in values:
            if account.source not in BY_HAND:
                raise ValidationError({"name": ["The institution names this account."]})
            ledger.rename_account(account=account, name=values["name"])
        if "lot_method" in values:
            ledger.choose_lot_method(account_ids=[account.pk], method=values["lot_method"])
        if "income_preference" in values:
            ledger.prefer_income(account_ids=[account.pk], preference=values["income_preference"])
        return self._answer(account.pk)

    @extend_schema(summary="Close an account", parameters=[IF_MATCH], responses={204: None, STALE_ANSWER: STALE})
    def destroy(self, request: Request, pk: int) -> Response:
        """Close one that you keep by hand: it counts no more, and its past stays. Others end with their connection."""
        account = self._locked()
        if account.source not in BY_HAND:
            return self._conflict(account, "A connection keeps this account: disconnect that.")
        if request.headers.get("If-Match", "*") not in ("*", _etag(account)):
            return self._conflict(account, "This account has changed since you have seen it.")
        ledger.close_accounts(account_ids=[account.pk])
        return Response(status=204)

    def filter_queryset(self, queryset: QuerySet[Account]) -> QuerySet[Account]:
        """Filters are the list's: one account is found by its id alone."""
        return super().filter_queryset(queryset) if self.action == "list" else queryset

    def _locked(self) -> Account:
        """The account, which nobody else changes until this request is done."""
        account = self.get_object()
        Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        return self.get_object()

    def _answer(self, pk: int, *, status: int = 200) -> Response:
        account = self.get_queryset().get(pk=pk)
        return Response(AccountSerializer(account).data, status=status, headers={"ETag": _etag(account)})

    def _conflict(self, account: Account, detail: str) -> Response:
        body = problem(status=409, detail=detail, request_id=getattr(self.request, "request_id", ""))
        body["current"] = AccountSerializer(account).data
        return Response(body, status=409, content_type=PROBLEM_JSON, headers={"ETag": _etag(account)})


def _etag(account: Account) -> str:
    """Of what its owner may change: a sync in between is no conflict."""
    seen = repr((account.pk, account.name, account.lot_method, account.income_preference))
    return f'"{hashlib.sha256(seen.encode()).hexdigest()[:16]}"'
