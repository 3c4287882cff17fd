"""The app of the API's tests, and browsers that are signed in to its console."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.api.face.sessions import COOKIE
from tests.api.conftest import (  # noqa: F401
    KEY,
    Api,
    api,
    database_url,
    db,
    each,
    make_app,
    shared_app,
    shared_database,
    without_workers,
    workflow,
)

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


class Browser:
    """A client that keeps cookies and says where its requests come from, as browsers do."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(path, headers={**SAME_ORIGIN, **spelled(headers)})

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        return self.client.open(path, method=method, json=body, headers={**SAME_ORIGIN, **spelled(headers)})

    def sign_in(self, key: str = KEY, **form: str) -> TestResponse:
        return self.client.post("/console/sign-in", data={"key": key, **form}, headers=SAME_ORIGIN)

    @property
    def page_token(self) -> str:
        """What a page of this session sends along with changes."""
        found = re.search(r'name="page-token" content="([^"]+)"', self.get("/console/executions").text)
        assert found
        return found[1]

    @property
    def cookie(self) -> str | None:
        kept = self.client.get_cookie(COOKIE)
        return kept and kept.value


def spelled(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.fixture
def visitor(api: Api) -> Browser:  # noqa: F811
    """A browser that nobody has signed in with."""
    return Browser(api.client.application.test_client())


@pytest.fixture
def browser(visitor: Browser) -> Browser:
    """One that is signed in with a key that may do everything."""
    assert visitor.sign_in().status_code == 303
    return visitor


@pytest.fixture
def browser_with(api: Api) -> Callable[..., Browser]:  # noqa: F811
    """Makes browsers that are signed in with a key of these scopes."""

    def make(*scopes: str, **options: Any) -> Browser:
        api.with_key("limited", *scopes, **options)
        made = Browser(api.client.application.test_client())
        assert made.sign_in("limited").status_code == 303
        return made

    return make
