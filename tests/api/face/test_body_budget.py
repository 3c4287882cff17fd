"""Bodies that are read at the same time share a bound of memory."""

import gzip
from collections.abc import Iterator

import pytest

from app.api.face.bodies import BUSY, FREE_BYTES
from app.api.face.body_budget import BodyBudget

LARGE = b'{"name": "' + b"x" * FREE_BYTES + b'"}'
JSON = "application/json"


@pytest.fixture
def budget(shared_app) -> BodyBudget:
    return shared_app.extensions["executions"].bodies


@pytest.fixture
def exhausted(budget: BodyBudget) -> Iterator[int]:
    """Others read bodies that leave no room for a large one."""
    taken = budget._left - FREE_BYTES
    assert budget.take(taken)
    yield taken
    budget.give_back(taken)


def test_it_is_for_what_is_there_at_the_same_time() -> None:
    budget = BodyBudget(10)
    assert budget.take(6)
    assert not budget.take(5)
    assert budget.take(4)
    budget.give_back(6)
    assert budget.take(5)


def test_the_budget_is_for_all_bodies_together(api, exhausted) -> None:
    for more in ({}, {"headers": {"Transfer-Encoding": "chunked"}, "content_length": None}):
        answer = api.call("POST", "/api/v1/tags", data=LARGE, content_type=JSON, **more)
        assert (answer.status_code, answer.json["message"], answer.headers["Retry-After"]) == (503, BUSY, "1")
    assert api.post("/tags", {"name": "small"}).status_code == 201
    assert api.get("/tags").status_code == 200
    assert api.client.get("/healthz").status_code == 200


def test_what_a_body_becomes_is_counted(api, exhausted) -> None:
    small = gzip.compress(b"{}")
    answer = api.client.post("/webhook/x", data=small, headers={"Content-Encoding": "gzip"}, content_type=JSON)
    assert answer.status_code == 503
    assert api.client.get("/webhook/x", headers={"Content-Encoding": "gzip"}).status_code == 404


def test_without_a_key_nothing_is_taken(api, exhausted) -> None:
    answer = api.with_key(None).post("/tags", {"name": "x" * FREE_BYTES})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/v1/tags", LARGE, 400),
        ("/api/v1/tags", b"[" * 100_000, 400),
        ("/api/v1/tags", b"x" * 100_000, 400),
        ("/api/v1/tags", b" " * (16 * 2**20 + 1), 413),
        ("/webhook/nothing", LARGE, 404),
    ],
)
def test_it_is_given_back_whatever_comes_of_the_request(api, budget, path: str, body: bytes, status: int) -> None:
    left = budget._left
    assert api.call("POST", path, data=body, content_type=JSON).status_code == status
    assert budget._left == left
