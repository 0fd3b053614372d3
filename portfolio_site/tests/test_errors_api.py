"""One error shape for everything under /api/."""

from typing import Any

import pytest
from django.http import HttpRequest
from django.test import RequestFactory, override_settings
from django.urls import path
from rest_framework import serializers
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portfolio_site.api import fallbacks
from portfolio_site.lib.errors import PROBLEM_JSON
from portfolio_site.models import Job
from portfolio_site.urls import handler400, handler403, handler404, handler500  # noqa: F401
from portfolio_site.urls import urlpatterns as site

HOLDINGS = "/api/investments/holdings"


class PurchaseSerializer(serializers.Serializer[Any]):
    units = serializers.IntegerField(min_value=1)
    price = serializers.DecimalField(max_digits=6, decimal_places=2)


class PurchaseView(APIView):
    def post(self, request: Request) -> Response:
        Job.objects.create(owner=request.user, kind="purchase")
        PurchaseSerializer(data=request.data).is_valid(raise_exception=True)
        return Response({})


class CrashView(APIView):
    def get(self, request: Request) -> Response:
        Job.objects.create(owner=request.user, kind="crash")
        raise RuntimeError("secret-internal-name")


class StaffView(APIView):
    permission_classes = (IsAdminUser,)

    def get(self, request: Request) -> Response:
        return Response({})


urlpatterns = [
    path("api/purchase", PurchaseView.as_view()),
    path("api/crash", CrashView.as_view()),
    path("api/staff", StaffView.as_view()),
    *site,
]


@pytest.fixture(autouse=True)
def _with_test_views() -> Any:
    with override_settings(ROOT_URLCONF=__name__):
        yield


def _assert_problem(answer: Any, status: int) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, answer["Content-Type"]) == (status, PROBLEM_JSON)
    assert {"type", "title", "status", "detail", "request_id"} <= set(body) <= {
        "type", "title", "status", "detail", "request_id", "errors",
    }  # fmt: skip
    assert (body["status"], body["type"]) == (status, "about:blank")
    assert body["request_id"] == answer["X-Request-ID"] != ""
    return body


def test_401_without_credentials_says_how(api: Any) -> None:
    answer = api().get(HOLDINGS)
    _assert_problem(answer, 401)
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_401_with_a_bad_token_names_nothing_internal(api: Any) -> None:
    caller = api()
    caller.credentials(HTTP_AUTHORIZATION="Bearer nonsense")
    body = _assert_problem(caller.get(HOLDINGS), 401)
    assert "errors" not in body


def test_403_for_one_who_is_signed_in_but_may_not(api: Any, owner: Any, staff: Any) -> None:
    _assert_problem(api(owner).get("/api/staff"), 403)
    assert api(staff).get("/api/staff").status_code == 200


def test_403_for_a_session_without_csrf_token(owner: Any) -> None:
    from rest_framework.test import APIClient

    caller = APIClient(enforce_csrf_checks=True)
    caller.force_login(owner)
    _assert_problem(caller.post("/api/purchase", {"units": 1, "price": "1.00"}), 403)


def test_404_for_a_foreign_row_equals_404_for_none(api: Any, owner: Any, other: Any) -> None:
    job = Job.objects.create(owner=owner, kind="sync")
    foreign = _assert_problem(api(other).get(f"/api/jobs/{job.pk}"), 404)
    missing = _assert_problem(api(other).get("/api/jobs/00000000-0000-4000-8000-000000000000"), 404)
    assert {**foreign, "request_id": ""} == {**missing, "request_id": ""}


@pytest.mark.parametrize(
    "unknown", ["/api/", "/api/moon", "/api/jobs/not-a-uuid", "/api/investments/holdings/x", "/health/x"]
)
def test_404_for_an_unknown_path(api: Any, db: None, unknown: str) -> None:
    _assert_problem(api().get(unknown), 404)


def test_an_unknown_page_is_not_json(client: Any, db: None) -> None:
    answer = client.get("/moon")
    assert (answer.status_code, answer["Content-Type"].split(";")[0]) == (404, "text/html")


def test_405_names_what_is_allowed(api: Any, owner: Any) -> None:
    answer = api(owner).delete(HOLDINGS)
    _assert_problem(answer, 405)
    assert "GET" in answer["Allow"]


def test_415_for_a_form(api: Any, owner: Any) -> None:
    _assert_problem(api(owner).post("/api/purchase", "units=1", content_type="application/x-www-form-urlencoded"), 415)


def test_406_for_a_type_that_is_not_there(api: Any, owner: Any) -> None:
    _assert_problem(api(owner).get(HOLDINGS, HTTP_ACCEPT="text/csv"), 406)


@pytest.mark.parametrize("body", ["{", '{"units": 1,}', "\xff", "nul"])
def test_400_for_malformed_json(api: Any, owner: Any, body: str) -> None:
    answer = api(owner).post("/api/purchase", body.encode("latin-1"), content_type="application/json")
    _assert_problem(answer, 400)


def test_400_names_each_field(api: Any, owner: Any) -> None:
    body = _assert_problem(api(owner).post("/api/purchase", {"units": 0, "price": "1.234"}), 400)
    assert set(body["errors"]) == {"units", "price"}
    assert all(isinstance(message, str) for messages in body["errors"].values() for message in messages)


def test_400_for_a_body_that_is_no_object(api: Any, owner: Any) -> None:
    body = _assert_problem(api(owner).post("/api/purchase", [1], format="json"), 400)
    assert set(body["errors"]) == {"non_field_errors"}


def test_an_error_undoes_what_the_request_wrote(api: Any, owner: Any) -> None:
    api(owner).post("/api/purchase", {"units": 0})
    api(owner).get("/api/crash")
    assert Job.objects.count() == 0


def test_500_tells_nothing_internal(api: Any, owner: Any) -> None:
    answer = api(owner).get("/api/crash")
    _assert_problem(answer, 500)
    assert b"secret-internal-name" not in answer.content
    assert b"Traceback" not in answer.content


def test_a_given_request_id_is_kept_and_a_strange_one_is_not(api: Any) -> None:
    assert api().get("/api/moon", HTTP_X_REQUEST_ID="abc123").json()["request_id"] == "abc123"
    assert api().get("/api/moon", HTTP_X_REQUEST_ID='a"}<script>').json()["request_id"] != 'a"}<script>'


def test_refused_requests_are_problems_too() -> None:
    request: HttpRequest = RequestFactory().get("/api/x")
    for view, status in ((fallbacks.bad_request, 400), (fallbacks.permission_denied, 403)):
        answer = view(request, Exception("secret-internal-name"))
        assert (answer.status_code, answer["Content-Type"]) == (status, PROBLEM_JSON)
        assert b"secret" not in answer.content  # type: ignore[attr-defined]
