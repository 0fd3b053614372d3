"""The product as gunicorn serves it, with more routes.

`/bench/days` is the same days as the tutorial has it, `/bench/naive.csv` an export; `/bench/nothing` answers `{}`
behind all the doors.
"""

from typing import Any

from django.urls import path

from portfolio_site.wsgi import application  # first: it sets Django up

__all__ = ["application"]


def naive_view() -> Any:
    """Rows as model instances through a ModelSerializer."""
    from rest_framework import serializers
    from rest_framework.generics import ListAPIView

    from history.models import AccountDay

    class DaySerializer(serializers.ModelSerializer[AccountDay]):
        class Meta:
            model = AccountDay
            exclude = ("owner", "securities_count")

    class DaysView(ListAPIView[AccountDay]):
        serializer_class = DaySerializer
        pagination_class = None
        filter_backends = ()

        def get_queryset(self) -> Any:
            return AccountDay.objects.filter(account__owner=self.request.user, day__gte="2024-11-20")

    return DaysView.as_view()


def bare_view() -> Any:
    """Signed in, and nothing to do."""
    from rest_framework.response import Response
    from rest_framework.views import APIView

    class NothingView(APIView):
        def get(self, request: Any) -> Any:
            return Response({})

    return NothingView.as_view()


def naive_export(request: Any) -> Any:
    """Rows as model instances into one answer."""
    import csv

    from django.http import HttpResponse

    from investments.models import Transaction

    answer = HttpResponse(content_type="text/csv")
    writer = csv.writer(answer)
    rows = Transaction.objects.for_user(request.user).current()[:50_000]
    for row in rows.select_related("account__institution", "security"):
        writer.writerow([row.pk, row.date, row.account.institution.name, row.account.name, row.type, row.subtype,
                         row.security and row.security.ticker_symbol, row.quantity, row.price, row.amount, row.fees,
                         row.currency, row.name])  # fmt: skip
    return answer


def add_routes() -> None:
    from portfolio_site import urls

    urls.urlpatterns[:0] = [
        path("bench/days", naive_view()),
        path("bench/nothing", bare_view()),
        path("bench/naive.csv", naive_export),
    ]


add_routes()
