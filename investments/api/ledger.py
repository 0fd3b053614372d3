"""`/api/v1/transactions`: the ledger to read, and to add to, correct, void and restore by hand."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from investments import ledger, manual
from investments.api.transactions import EXAMPLE, TransactionSerializer, TransactionViewSet
from investments.filters import FIRST_ID, LAST_ID, securities_known_to, selected_accounts
from investments.models import Account, Security, Transaction
from portfolio_site.lib.errors import PROBLEM_JSON, problem
from portfolio_site.lib.texts import Text

TOLD = {
    "account_id": 12,
    "type": "buy",
    "subtype": "buy",
    "ticker": "AAPL",
    "date": "2026-10-05",
    "quantity": "10",
    "price": "227.5",
    "fees": "4.95",
    "name": "Bought by hand",
}
STALE_ANSWER: Any = (409, PROBLEM_JSON)
CORRECTED = {"version": 1, "amount": "2280.10"}
CONFLICT = {
    "type": "about:blank",
    "title": "Conflict",
    "status": 409,
    "detail": "This transaction has changed: version 2 is the current one.",
    "current": EXAMPLE | {"version": 2},
    "request_id": "5f0c...",
}
FIELD_NAMES = {"account": "account_id", "security": "security_id"}
IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="The version you have seen; or `version` in the body."
)
VERSION = OpenApiParameter(
    "version", int, OpenApiParameter.QUERY, description="The version you have seen; or If-Match."
)
STALE = OpenApiResponse(
    inline_serializer("TransactionConflict", {"current": TransactionSerializer(required=False)}),
    description="Another version came in between: `current` is the row as it stands. Nothing was changed.",
)


class ToldSerializer(serializers.Serializer[Any]):
    """What happened. Signs are put right by what the type means, and `repairs` says so."""

    account_id = serializers.IntegerField(min_value=FIRST_ID, max_value=LAST_ID)
    type = serializers.ChoiceField(choices=manual.TYPES)
    subtype = Text(max_length=60, allow_blank=True, default="")
    security_id = serializers.IntegerField(min_value=FIRST_ID, max_value=LAST_ID, allow_null=True, default=None)
    ticker = Text(max_length=40, required=False, allow_blank=True, help_text="Instead of security_id.", write_only=True)
    date = serializers.DateField()
    settles_on = serializers.DateField(allow_null=True, default=None)
    quantity = serializers.DecimalField(max_digits=None, decimal_places=None, default=Decimal(0))
    price = serializers.DecimalField(max_digits=None, decimal_places=None, default=Decimal(0))
    amount = serializers.DecimalField(
        max_digits=None,
        decimal_places=None,
        allow_null=True,
        default=None,
        help_text="Above zero: cash left the account, fees included. Left out: quantity x price and the fees.",
    )
    fees = serializers.DecimalField(max_digits=None, decimal_places=None, default=Decimal(0))
    currency = Text(
        max_length=20,
        allow_blank=True,
        default="",
        help_text="The account's if left out; needed where the security's is another.",
    )
    name = Text(max_length=500, allow_blank=True, default="")


class NewTransactionSerializer(ToldSerializer):
    external_id = Text(
        max_length=100,
        default="",
        allow_blank=True,
        help_text="Your own id of it: sent again with the same content it changes nothing.",
    )


class CorrectionSerializer(ToldSerializer):
    """What is left out stays as it is; the account always does."""

    account_id = None  # type: ignore[assignment]
    type = Text(max_length=20)
    version = serializers.IntegerField(min_value=1, required=False, help_text="The one you have seen; or If-Match.")


class RestoreSerializer(serializers.Serializer[Any]):
    to_version = serializers.IntegerField(min_value=1)
    version = serializers.IntegerField(min_value=1, required=False, help_text="The one you have seen; or If-Match.")


class LedgerViewSet(TransactionViewSet):
    """Nothing is overwritten: a correction or a void is a new version, so each can be taken back."""

    @extend_schema(
        tags=["ledger"],
        summary="Add a transaction",
        request=NewTransactionSerializer,
        responses={201: TransactionSerializer, STALE_ANSWER: STALE},
        examples=[
            OpenApiExample("A purchase", value=TOLD, request_only=True),
            OpenApiExample("As recorded", value=EXAMPLE, response_only=True, status_codes=["201"]),
            OpenApiExample("Stale", value=CONFLICT, response_only=True, status_codes=["409"], media_type=PROBLEM_JSON),
        ],
    )
    def create(self, request: Request) -> Response:
        """Record what happened in one of your accounts, whatever their source."""
        told = _valid(NewTransactionSerializer(data=request.data))
        (account_id,) = selected_accounts(user_id=request.user.pk, account_ids=[told["account_id"]])
        account = Account.objects.get(pk=account_id)
        return self._answer(
            lambda: manual.add_transaction(told=self._told(account, told, None), external_id=str(told["external_id"])),
            status=201,
        )

    @extend_schema(tags=["ledger"], summary="One transaction", responses=TransactionSerializer)
    def retrieve(self, request: Request, pk: int) -> Response:
        """Its last version, void or not, whichever version `id` names. The ETag is what `If-Match` asks for."""
        return _row_answer(self._row(pk).versions().select_related("account", "security").latest("version"))

    @extend_schema(
        tags=["ledger"],
        summary="Correct a transaction",
        request=CorrectionSerializer,
        parameters=[IF_MATCH],
        responses={200: TransactionSerializer, STALE_ANSWER: STALE},
        examples=[
            OpenApiExample("Another amount", value=CORRECTED, request_only=True),
            OpenApiExample("As it stands", value=EXAMPLE | {"version": 2}, response_only=True, status_codes=["200"]),
        ],
    )
    def partial_update(self, request: Request, pk: int) -> Response:
        """Supersede it. What your institution reported stays an earlier version; your correction outlives its syncs."""
        row = self._row(pk)
        told = _valid(CorrectionSerializer(data=request.data, partial=True))
        version = _version(request, told)
        return self._answer(
            lambda: manual.correct_transaction(row=row, version=version, told=self._told(row.account, told, row))
        )

    @extend_schema(
        tags=["ledger"],
        summary="Void a transaction",
        parameters=[IF_MATCH, VERSION],
        responses={200: TransactionSerializer, STALE_ANSWER: STALE},
    )
    def destroy(self, request: Request, pk: int) -> Response:
        """Take it out of the ledger; its versions stay. Answers with the void version, which can be restored from."""
        row, version = self._row(pk), _version(request, request.query_params)
        return self._answer(lambda: ledger.void_transaction(row=row, version=version))

    @extend_schema(tags=["ledger"], summary="Versions of a transaction", responses=TransactionSerializer(many=True))
    def versions(self, request: Request, pk: int) -> Response:
        """All that was ever said of it, the first version first."""
        rows = self._row(pk).versions().select_related("account", "security")
        return Response(TransactionSerializer(rows, many=True).data)

    @extend_schema(
        tags=["ledger"],
        summary="Undo and redo",
        request=RestoreSerializer,
        parameters=[IF_MATCH],
        responses={200: TransactionSerializer, STALE_ANSWER: STALE},
        examples=[
            OpenApiExample("Undo", value={"version": 2, "to_version": 1}, request_only=True),
            OpenApiExample("As it stands", value=EXAMPLE | {"version": 3}, response_only=True, status_codes=["200"]),
        ],
    )
    def restore(self, request: Request, pk: int) -> Response:
        """Make it again what it was in `to_version`, as a new version."""
        row, told = self._row(pk), _valid(RestoreSerializer(data=request.data))
        version = _version(request, told)
        return self._answer(lambda: ledger.restore_transaction(row=row, version=version, to_version=told["to_version"]))

    def _row(self, pk: int) -> Transaction:
        """Any version of the caller's, so that a client with an old id finds the row."""
        return get_object_or_404(Transaction.objects.for_user(self.request.user).select_related("account"), pk=pk)

    def _told(self, account: Account, told: dict[str, Any], before: Transaction | None) -> manual.Told:
        names = ("type", "subtype", "date", "quantity", "price", "amount", "fees", "currency", "name", "settles_on")
        last = before.versions().select_related("security").latest("version") if before else None
        kept = {name: getattr(last, name) for name in names} if last else {}
        given = {name: told[name] for name in names if name in told}
        return manual.Told(account=account, security=self._security(account, told, last), **{**kept, **given})

    def _security(self, account: Account, told: dict[str, Any], before: Transaction | None) -> Security | None:
        if told.get("ticker"):
            currency = told.get("currency") or account.currency
            return manual.find_security(owner=self.request.user, text=told["ticker"], currency=currency)
        if "security_id" not in told:
            return before.security if before else None
        if told["security_id"] is None:
            return None
        security = securities_known_to(self.request.user).filter(pk=told["security_id"]).first()
        if security is None:
            raise ledger.Refused("There is no such security", field="security")
        return security

    def _answer(self, change: Callable[[], Transaction], status: int = 200) -> Response:
        try:
            return _row_answer(change(), status=status)
        except ledger.Refused as refused:
            raise ValidationError({FIELD_NAMES.get(refused.field, refused.field): [str(refused)]}) from refused
        except ledger.UnknownVersion as unknown:
            raise ValidationError({"to_version": [str(unknown)]}) from unknown
        except ledger.StaleVersion as stale:
            return _conflict(self.request, stale.current)


def _valid(serializer: serializers.Serializer[Any]) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def _version(request: Request, told: Any) -> int:
    """The version that the caller has seen, by `If-Match` or by name."""
    given = request.headers.get("If-Match", "").removeprefix("W/").strip('"') or str(told.get("version") or "")
    if not (given.isascii() and given.isdigit() and len(given) < 6):
        raise ValidationError({"version": ["Name the version you have seen, here or as If-Match."]})
    return int(given)


def _row_answer(row: Transaction, *, status: int = 200) -> Response:
    return Response(TransactionSerializer(row).data, status=status, headers={"ETag": f'"{row.version}"'})


def _conflict(request: Request, current: Transaction) -> Response:
    detail = f"This transaction has changed: version {current.version} is the current one."
    body = problem(status=409, detail=detail, request_id=getattr(request, "request_id", ""))
    body["current"] = TransactionSerializer(current).data
    return Response(body, status=409, content_type=PROBLEM_JSON, headers={"ETag": f'"{current.version}"'})
