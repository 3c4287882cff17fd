"""Credentials of types that packages describe are tried as their description says."""

import pytest

from app.credential_tests import EngineCredentialTests
from app.credentials.testing import CannotTest
from app.outgoing.addresses import AddressRules
from tests.packages.running import PackageEngine

SECRET = "a-very-secret-token"


@pytest.fixture
def trials(packages: PackageEngine, far: str) -> EngineCredentialTests:
    [package] = packages.packages.installed
    rules = AddressRules.parse(far.removeprefix("http://"))
    return EngineCredentialTests(rules, packaged=package.manifest.credential)


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("", None),
        ("/status/401?then=", "Authorization failed - please check your credentials"),
        ("/status/418?then=", "It is a teapot"),
        ("/say?type=application/json&text={%22ok%22:%22no%22}&then=", "It says no"),
    ],
)
def test_it_is_taken_or_not(trials: EngineCredentialTests, far: str, path, problem):
    assert trials.problem("sampleApi", {"url": far + path, "token": SECRET}) == problem


def test_what_only_a_function_proves_cannot_be_tried(trials: EngineCredentialTests, far: str):
    for kind in ("tokenApi", "unheardOfApi"):
        with pytest.raises(CannotTest):
            trials.problem(kind, {"url": far})


def test_it_is_sent_where_it_may_go_only(trials: EngineCredentialTests, far: str):
    data = {"url": far, "token": SECRET, "allowedHttpRequestDomains": "domains", "allowedDomains": "example.com"}
    problem = trials.problem("sampleApi", data)
    assert problem is not None
    assert "example.com" in problem
    assert "not allowed" in (trials.problem("sampleApi", {"url": "http://127.0.0.1:9", "token": SECRET}) or "")
