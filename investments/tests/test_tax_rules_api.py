from collections.abc import Callable
from typing import Any

import pytest

from investments.models import IdenticalGroup
from tests.fixtures import Portfolio, WebClient

Api = Callable[..., WebClient]
URL = "/api/v1/tax/identical-groups"


@pytest.fixture
def told(portfolio: Portfolio) -> dict[str, Any]:
    return {"name": "Funds", "security_ids": [portfolio.securities[name].pk for name in ("sec-aapl", "sec-vti")]}


def test_a_group_is_made_listed_changed_and_removed(portfolio: Portfolio, told: dict[str, Any], api: Api) -> None:
    client = api(portfolio.owner)
    made = client.post(URL, told, format="json")
    assert made.status_code == 201
    assert client.get(URL).json() == {"items": [made.json()]}
    assert [one["ticker_symbol"] for one in made.json()["securities"]] == ["AAPL", "VTI"]
    tesla = portfolio.securities["sec-tsla"].pk
    changed = client.put(f"{URL}/{made.json()['id']}", {**told, "security_ids": [tesla, told["security_ids"][0]]},
                         format="json")  # fmt: skip
    assert [one["ticker_symbol"] for one in changed.json()["securities"]] == ["AAPL", "TSLA"]
    assert client.delete(f"{URL}/{made.json()['id']}").status_code == 204
    assert client.get(URL).json() == {"items": []}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"security_ids": [1]}, "security_ids"), ({"security_ids": [998, 999]}, "security_ids"), ({"name": ""}, "name")],
)
def test_what_cannot_be_names_its_field(
    portfolio: Portfolio, told: dict[str, Any], api: Api, wrong: dict[str, Any], field: str
) -> None:
    answer = api(portfolio.owner).post(URL, {**told, **wrong}, format="json")
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]
    assert not IdenticalGroup.objects.exists()


def test_rules(portfolio: Portfolio, api: Api) -> None:
    client = api(portfolio.owner)
    assert client.get("/api/v1/tax/rules").json() == {"same_lot": False}
    assert client.put("/api/v1/tax/rules", {"same_lot": True}, format="json").json() == {"same_lot": True}
    assert client.get("/api/v1/tax/rules").json() == {"same_lot": True}
    assert client.put("/api/v1/tax/rules", {}, format="json").status_code == 400


def test_another_sees_nothing_of_it(portfolio: Portfolio, told: dict[str, Any], other: Any, api: Api) -> None:
    made = api(portfolio.owner).post(URL, told, format="json").json()
    client = api(other)
    assert client.get(URL).json() == {"items": []}
    assert client.put(f"{URL}/{made['id']}", told, format="json").status_code == 404
    assert client.delete(f"{URL}/{made['id']}").status_code == 404
    assert client.post(URL, told, format="json").status_code == 400  # what they do not have


def test_queries(portfolio: Portfolio, told: dict[str, Any], api: Api, django_assert_max_num_queries: Any) -> None:
    client = api(portfolio.owner)
    client.post(URL, told, format="json")
    with django_assert_max_num_queries(9):
        client.get(URL)


@pytest.mark.parametrize(
    ("address", "method", "body", "field"),
    [
        ("/api/v1/tax/rules", "put", {"same_lot": 0}, "same_lot"),
        ("/api/v1/tax/rules", "put", {"same_lot": "yes"}, "same_lot"),
        ("/api/v1/tax/identical-groups", "post", {"name": 7, "security_ids": [1, 2]}, "name"),
    ],
)
def test_what_is_of_another_type_is_refused(
    api: Any, owner: Any, address: str, method: str, body: dict[str, Any], field: str
) -> None:
    answer = getattr(api(owner), method)(address, body)
    assert (answer.status_code, field in answer.json()["errors"]) == (400, True)
