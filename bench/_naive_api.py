"""The product as gunicorn serves it, with two more routes.

`/bench/days` is the same days as the tutorial has it; `/bench/nothing` answers `{}` behind the same doors.
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


def add_routes() -> None:
    from portfolio_site import urls

    urls.urlpatterns[:0] = [path("bench/days", naive_view()), path("bench/nothing", bare_view())]


add_routes()
