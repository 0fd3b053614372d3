"""`/api/v1/import`: a file in, looked at row by row, answered, confirmed, taken back."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema,
    extend_schema_field,
    extend_schema_serializer,
)
from rest_framework import exceptions, generics, serializers
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from investments.models import Account
from plaid_link.imports import batches
from plaid_link.imports.models import LINES_PER_CHUNK, ImportBatch, ImportChunk
from plaid_link.imports.securities import TYPES
from plaid_link.sources.csv.kinds import KINDS, LEAVE_OUT
from plaid_link.sources.csv.layouts import LAYOUTS
from portfolio_site.lib.texts import Flag, Text

IMPORT: dict[str, Any] = {
    "id": 7,
    "state": "asking",
    "message": "",
    "job_id": "0f8fad5b-d9cb-469f-a165-70867728950e",
    "file_name": "Individual_XXX321_Transactions.csv",
    "size": 48213,
    "layout": "schwab",
    "account_id": None,
    "new_account": {"name": "Schwab, old", "currency": "USD"},
    "new_rows": 310,
    "known_rows": 0,
    "refused_rows": 2,
    "left_out_rows": 1,
    "stored_rows": 0,
    "first_day": "2019-03-04",
    "last_day": "2024-11-20",
    "header": [],
    "columns": {},
    "questions": [{"kind": "symbols", "text": "These securities are new here. Are they right?", "values": ["SCHB"]}],
    "symbols": [
        {"key": "SCHB", "state": "asked", "label": "SCHB", "name": "SCHWAB US BROAD MARKET ETF", "type": "etf",
         "security_id": None}
    ],
    "warnings": [],
    "refusals": [{"row": 12, "state": "refused", "column": "symbol", "message": "Unknown security 'SCHB'"}],
    "created_at": "2026-11-20T21:00:00Z",
    "stored_at": None,
    "undone_at": None,
}  # fmt: skip


class ChoiceOrAnythingSerializer(serializers.Serializer[Any]):
    symbol = Text(required=False, max_length=40, help_text="Another ticker than the file's.")
    type = serializers.ChoiceField(required=False, choices=TYPES)


@extend_schema_field(OpenApiTypes.OBJECT)
class SymbolAnswersField(serializers.Field):  # type: ignore[type-arg]
    """{symbol of the file: `leave_out`, or {"symbol", "type"}}."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise exceptions.ValidationError("An object of answers by symbol.")
        return {str(key)[:100]: self._answer(value) for key, value in data.items()}

    def _answer(self, value: Any) -> Any:
        if value == LEAVE_OUT:
            return value
        answer = ChoiceOrAnythingSerializer(data=value)
        answer.is_valid(raise_exception=True)
        return dict(answer.validated_data)

    def to_representation(self, value: Any) -> Any:
        return value


class AnswersSerializer(serializers.Serializer[Any]):
    """What the user says about a file. What is left out stays as it was."""

    layout = serializers.ChoiceField(required=False, choices=sorted(LAYOUTS), help_text="Recognised when left out.")
    columns = serializers.DictField(required=False, child=Text(max_length=200), help_text="{field: name of the column}")
    date_order = serializers.ChoiceField(required=False, choices=["dmy", "mdy"])
    decimal = serializers.ChoiceField(required=False, choices=[".", ","])
    actions = serializers.DictField(
        required=False,
        child=serializers.ChoiceField(choices=[*KINDS, LEAVE_OUT]),
        help_text="{word of the file, in lower case: kind}",
    )
    account = Text(required=False, max_length=100, help_text="Of a file of several accounts: which.")
    symbols = SymbolAnswersField(required=False, help_text="{symbol: {symbol, type}} or {symbol: leave_out}")
    accept_symbols = Flag(required=False, help_text="All securities that are new are right.")
    rows_out = serializers.ListField(
        required=False, child=serializers.IntegerField(min_value=1, max_value=2**31), max_length=10_000,
        help_text="Rows to leave out, by number.",
    )  # fmt: skip
    cash = serializers.ChoiceField(required=False, choices=["file", "outside"])
    currency = serializers.RegexField(r"^[A-Z]{3}$", required=False)


@extend_schema_field(OpenApiTypes.INT)
class OwnOpenAccountField(serializers.PrimaryKeyRelatedField[Account]):
    def get_queryset(self) -> QuerySet[Account]:
        return Account.objects.for_user(self.context["request"].user).open()


class UploadSerializer(serializers.Serializer[Any]):
    file = serializers.FileField(help_text="CSV of a broker or of your own, OFX or QFX.", allow_empty_file=True)
    account_id = OwnOpenAccountField(required=False, allow_null=True, help_text="An account you have.")
    account_name = serializers.CharField(required=False, max_length=200, help_text="Or the name of a new one.")
    account_subtype = serializers.CharField(required=False, max_length=60, default="brokerage")
    options = serializers.JSONField(required=False, help_text="Answers known beforehand, as JSON.")


class QuestionAskedSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=["columns", "date_order", "decimal", "account", "actions", "symbols"])
    text = serializers.CharField()
    values = serializers.ListField(child=serializers.CharField())


class SymbolSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    state = serializers.ChoiceField(choices=["known", "new", "asked", "left_out"])
    label = serializers.CharField()
    name = serializers.CharField()
    type = serializers.CharField()
    security_id = serializers.IntegerField(allow_null=True)


class LineSerializer(serializers.Serializer[Any]):
    """A row of the file and what becomes of it. `amount` above zero leaves the account."""

    row = serializers.IntegerField(min_value=0)
    state = serializers.ChoiceField(choices=["new", "known", "refused", "left_out"])
    column = serializers.CharField(required=False, help_text="Of a refused row.")
    message = serializers.CharField(required=False, help_text="Why it is refused or left out.")
    day = serializers.DateField(required=False)
    type = serializers.CharField(required=False)
    subtype = serializers.CharField(required=False)
    key = serializers.CharField(required=False, help_text="The security, as the file has it.")
    quantity = serializers.CharField(required=False)
    price = serializers.CharField(required=False)
    amount = serializers.CharField(required=False)
    fees = serializers.CharField(required=False)
    currency = serializers.CharField(required=False)
    name = serializers.CharField(required=False)
    remarks = serializers.ListField(child=serializers.CharField(), required=False)


@extend_schema_serializer(examples=[OpenApiExample("Waits for an answer", value=IMPORT, status_codes=["200", "202"])])
class ImportSerializer(serializers.ModelSerializer[ImportBatch]):
    state = serializers.ChoiceField(choices=ImportBatch.State.choices)
    questions = QuestionAskedSerializer(many=True)
    symbols = SymbolSerializer(many=True)
    warnings = serializers.ListField(child=serializers.CharField())
    refusals = LineSerializer(many=True, help_text="The first 500.")
    header = serializers.ListField(child=serializers.CharField(), help_text="Columns of a table of your own.")
    columns = serializers.DictField(child=serializers.CharField(), help_text="{field: column}, as known or guessed.")
    new_account = serializers.DictField(child=serializers.CharField())

    class Meta:
        model = ImportBatch
        fields = list(IMPORT)
        read_only_fields = fields


PAGE = {"items": [IMPORT], "next_cursor": None, "has_more": False, "total_count": 1}


class ImportPageSerializer(serializers.Serializer[Any]):
    items = ImportSerializer(many=True)
    next_cursor = serializers.CharField(allow_null=True)
    has_more = serializers.BooleanField()
    total_count = serializers.IntegerField(required=False, help_text="Left out with `count=false`.")


ROWS = {
    "items": [{"row": 2, "state": "new", "day": "2024-11-20", "type": "buy", "subtype": "buy", "key": "SCHB",
               "quantity": "10", "price": "27.50", "amount": "275.00"}],
    "page": 1,
    "pages": 2,
}  # fmt: skip


@extend_schema_serializer(examples=[OpenApiExample("A page of lines", value=ROWS)])
class RowsSerializer(serializers.Serializer[Any]):
    items = LineSerializer(many=True)
    page = serializers.IntegerField(min_value=1)
    pages = serializers.IntegerField(min_value=0)


class _Imports(generics.GenericAPIView[ImportBatch]):
    conflicts = True
    queryset = ImportBatch.objects.none()
    serializer_class = ImportSerializer
    filter_backends = ()

    def get_queryset(self) -> QuerySet[ImportBatch]:
        return ImportBatch.objects.for_user(self.request.user).light()

    def answered(self, batch: ImportBatch, status: int = 202) -> Response:
        batch = self.get_queryset().get(pk=batch.pk)
        return Response(ImportSerializer(batch).data, status=status)


@extend_schema(tags=["import"])
class ImportListView(_Imports):
    parser_classes = (MultiPartParser,)

    @extend_schema(
        operation_id="v1_import_list",
        summary="Imports",
        parameters=[
            OpenApiParameter("limit", int, description="Rows on a page: 1 to 500, 100 unless given."),
            OpenApiParameter("cursor", str, description="`next_cursor` of the page before; opaque."),
            OpenApiParameter("count", bool, description="`false` leaves `total_count` out."),
        ],
        responses=ImportPageSerializer,
        examples=[OpenApiExample("A page", value=PAGE, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        """Your imports, the newest first, those that were stored and taken back too."""
        page = self.paginate_queryset(self.get_queryset().order_by("-created_at", "-pk"))
        return self.get_paginated_response(ImportSerializer(page, many=True).data)

    @extend_schema(summary="Import a file: dry run", request=UploadSerializer, responses={202: ImportSerializer})
    def post(self, request: Request) -> Response:
        """Have a file read. Nothing is stored: follow the job, look at the rows, answer what is asked, then confirm."""
        told = UploadSerializer(data=request.data, context=self.get_serializer_context())
        told.is_valid(raise_exception=True)
        values = told.validated_data
        answers = AnswersSerializer(data=values.get("options") or {})
        answers.is_valid(raise_exception=True)
        try:
            batch, _job = batches.open_batch(
                owner_id=request.user.pk,
                file_name=values["file"].name or "",
                data=_content(values["file"]),
                account=values.get("account_id"),
                new_account={"name": values.get("account_name", ""), "subtype": values["account_subtype"]},
                **answers.validated_data,
            )
        except batches.Refused as problem:
            raise exceptions.ValidationError({problem.field: [str(problem)]}) from problem
        return self.answered(batch)


def _content(file: Any) -> bytes:
    """One byte more than allowed is enough to see that it is too large."""
    return bytes(file.read(settings.IMPORT_MAX_BYTES + 1))


@extend_schema(tags=["import"])
class ImportView(_Imports):
    parser_classes = (JSONParser,)

    @extend_schema(summary="An import", responses=ImportSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """State, counts, what is asked, what is refused."""
        return Response(ImportSerializer(self.get_object()).data)

    @extend_schema(summary="Answer", request=AnswersSerializer, responses={202: ImportSerializer})
    def patch(self, request: Request, pk: int) -> Response:
        """Say what is asked, or anything else about the file; it is read again with that."""
        batch = self.get_object()
        answers = AnswersSerializer(data=request.data)
        answers.is_valid(raise_exception=True)
        with _refusals():
            batches.answer(batch, dict(answers.validated_data))
        return self.answered(batch)

    @extend_schema(summary="Throw an import away", responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """Only one that is not stored: that one is taken back by `undo`."""
        batch = self.get_object()
        with _refusals():
            batches.discard(batch)
        return Response(status=204)


class Conflict(exceptions.APIException):
    status_code = 409


class _refusals:
    """What cannot be done now is a conflict."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, problem: BaseException | None, trace: Any) -> None:
        if isinstance(problem, batches.Refused):
            raise Conflict(str(problem)) from problem


@extend_schema(tags=["import"])
class ImportConfirmView(_Imports):
    @extend_schema(summary="Store an import", request=None, responses={202: ImportSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """Store the whole file, as a job. 409 unless it is `ready`: a file with a refused row is not stored at all."""
        batch = self.get_object()
        with _refusals():
            batches.confirm(batch)
        return self.answered(batch)


@extend_schema(tags=["import"])
class ImportUndoView(_Imports):
    @extend_schema(summary="Take an import back", request=None, responses={202: ImportSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """Void what it stored, as a job. What other imports stored stays."""
        batch = self.get_object()
        with _refusals():
            batches.undo(batch)
        return self.answered(batch)


@extend_schema(tags=["import"])
class ImportRowsView(_Imports):
    serializer_class = RowsSerializer

    @extend_schema(
        summary="Rows of an import",
        parameters=[OpenApiParameter("page", int, description=f"From 1; {LINES_PER_CHUNK} rows each.")],
        responses=RowsSerializer,
    )
    def get(self, request: Request, pk: int) -> Response:
        """Every row of the file with what becomes of it, in the order of the file."""
        batch = self.get_object()
        given = request.query_params.get("page", "1")
        if not (given.isascii() and given.isdigit() and 1 <= len(given) <= 6 and int(given)):
            raise exceptions.ValidationError({"page": ["A whole number from 1."]})
        chunks = ImportChunk.objects.filter(batch=batch)
        chunk = chunks.filter(number=int(given) - 1).first()
        body = {"items": chunk.lines if chunk else [], "page": int(given), "pages": chunks.count()}
        return Response(RowsSerializer(body).data)
