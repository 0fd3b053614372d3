"""`export.csv` of the transactions, and `/api/v1/export`: lists as files."""

from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from investments import exports
from investments.api.holdings import HoldingViewSet
from investments.api.tax import LotViewSet
from investments.api.transactions import TransactionViewSet
from investments.filters import ACCOUNT_LABEL, FIRST_ID, LAST_ID, SOURCE_FILTERS, SOURCE_LABEL
from portfolio_site.lib.sessions import NEW_YORK
from portfolio_site.lib.streaming import streamed

CSV = (200, "text/csv")
EXAMPLE = OpenApiExample(
    "Two lines", value="id,date,...\r\n9314,2026-10-05,...\r\n", status_codes=["200"], media_type="text/csv"
)
WHAT = ("transactions", "holdings", "lots")
# Filters that all of these have; each has more of its own.
OF_ALL = (
    OpenApiParameter(
        "filter_account",
        {"type": "array", "items": {"type": "integer", "minimum": FIRST_ID, "maximum": LAST_ID}},
        description=ACCOUNT_LABEL,
    ),
    OpenApiParameter("source_filter", str, enum=SOURCE_FILTERS, description=SOURCE_LABEL),
)


class TransactionExport(TransactionViewSet):
    """Transactions as a CSV file."""

    pagination_class = None
    asked_as_list = True

    @extend_schema(
        tags=["investments"],
        operation_id="transactions_export",
        summary="Transactions as CSV",
        responses={CSV: OpenApiTypes.STR},
        examples=[EXAMPLE],
    )
    def export(self, request: Request) -> StreamingHttpResponse:
        """The same filters, rows and order as the list, streamed. No cell is taken for a formula by a spreadsheet."""
        found = self.filter_queryset(self.get_queryset())
        return _file(request, "transactions", exports.export(found, exports.TRANSACTIONS, user_id=request.user.pk))


class HoldingExport(HoldingViewSet):
    pagination_class = None

    def export(self, request: Request) -> StreamingHttpResponse:
        found = self.filter_queryset(self.get_queryset())
        return _file(request, "holdings", exports.export(found, exports.HOLDINGS, user_id=request.user.pk))


class LotExport(LotViewSet):
    pagination_class = None

    def export(self, request: Request) -> StreamingHttpResponse:
        found = self.filter_queryset(self.get_queryset())
        return _file(request, "lots", exports.export(found, exports.LOTS, user_id=request.user.pk))


KINDS: dict[str, Any] = {"transactions": TransactionExport, "holdings": HoldingExport, "lots": LotExport}


class DataExport(TransactionExport):
    """What you have, as CSV."""

    asked_as_list = False  # what can be filtered by depends on which list it is

    @extend_schema(
        tags=["investments"],
        operation_id="export",
        summary="Data out",
        parameters=[
            OpenApiParameter("what", str, enum=WHAT, default="transactions", description="Which list."),
            *OF_ALL,
        ],
        responses={CSV: OpenApiTypes.STR},
        examples=[EXAMPLE],
    )
    def export(self, request: Request) -> StreamingHttpResponse:
        """A list as CSV, with the filters of that list."""
        what = request.query_params.get("what", "transactions")
        if what not in KINDS:
            raise ValidationError({"what": [f"One of {', '.join(KINDS)}."]})
        view = KINDS[what](request=request, format_kwarg=None, args=(), kwargs={})
        answer: StreamingHttpResponse = KINDS[what].export(view, request)
        return answer


def _file(request: Request, what: str, chunks: Any) -> StreamingHttpResponse:
    plain: HttpRequest = request._request
    filename = f"longview-{what}-{timezone.now().astimezone(NEW_YORK):%Y-%m-%d}.csv"
    return streamed(plain, chunks, content_type="text/csv; charset=utf-8", filename=filename)
