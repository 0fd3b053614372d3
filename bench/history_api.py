"""`GET /api/portfolio/history?period=2Y` through the whole stack, beside the ORM and a DRF serializer in the same run.

Both answer the 731 days of the same accounts and share authentication, middleware and row security; only what makes the
body differs. Server time in milliseconds, one caller at a time.
"""

import time
from collections.abc import Callable
from typing import Any

from _database import NOW, own_database, write_population
from _figures import Figure, arguments, show
from _population import populate

ACCOUNTS = 5
CALLS = {"quick": 60, "full": 400}


def naive_view() -> Any:
    """Rows as model instances through a ModelSerializer, as the tutorial has it."""
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
            named = self.request.query_params.getlist("filter_account")
            days = AccountDay.objects.filter(account__owner=self.request.user, day__gte="2024-11-20")
            return days.filter(account__in=named) if named else days

    return DaysView.as_view()


def milliseconds(call: Callable[[], Any], calls: int) -> tuple[float, float]:
    """(p50, p95) after a few calls that are not counted."""
    for _ in range(5):
        assert call().status_code == 200
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1000)
    times.sort()
    return times[len(times) // 2], times[int(len(times) * 0.95)]


def figures(calls: int) -> list[Figure]:
    from django.urls import path
    from rest_framework.test import APIClient
    from rest_framework_simplejwt.tokens import AccessToken

    from history.rebuild import rebuild_accounts
    from portfolio_site import urls
    from portfolio_site.models import User

    urls.urlpatterns.insert(0, path("bench/days", naive_view()))
    ids = write_population(populate(accounts=ACCOUNTS, symbols=100))
    rebuild_accounts(account_ids=ids, now=NOW)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {AccessToken.for_user(User.objects.get())}")
    found = []
    for name, query in (("one account", {"filter_account": ids[0]}), (f"{ACCOUNTS} accounts", {})):
        ours = milliseconds(lambda query=query: client.get("/api/portfolio/history", {"period": "2Y", **query}), calls)
        other = milliseconds(lambda query=query: client.get("/bench/days", query), calls)
        for place, percentile in enumerate(("p50", "p95")):
            ratio = other[place] / ours[place]
            found.append(Figure(f"{name}, 2Y, {percentile}", ours[place], other[place], "ORM + DRF", ratio, "ms"))
    return found


def main() -> None:
    options = arguments(__doc__ or "")
    with own_database():
        found = figures(CALLS[options.scale])
    show("History API, server time", found, as_json=options.json)


if __name__ == "__main__":
    main()
