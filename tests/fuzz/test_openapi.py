"""Every endpoint, asked with whatever the OpenAPI document allows and with much that it does not.

No answer is a server error, none has a status that the document does not name, and each body is as documented.
"""

import os
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.api.face.openapi import served_document
from app.repository import api_keys
from app.repository.connection import connect
from app.settings import Settings
from app.web import add_endpoints, create_app
from tests.api.conftest import KEY, Api
from tests.postgres import cloned_database

EXAMPLES = int(os.environ.get("FUZZ", "24")) // 6
"""For each operation: asking takes longer than what the other tests of this folder do."""
# What depends on the state of the objects: a valid request may well find that they forbid it.
STATEFUL = ("positive_data_acceptance", "use_after_free", "ensure_resource_availability")
GENERATION = {
    "database": "none",
    "deterministic": "FUZZ" not in os.environ,
    "no-shrink": True,
    "with-security-parameters": False,
}


@pytest.fixture(scope="module")
def api(postgres_url: str) -> Iterator[Api]:
    """The API over a database with something of everything in it, where no call waits for a worker."""
    with pytest.MonkeyPatch.context() as patch, cloned_database(postgres_url) as url, connect(url) as database:
        patch.setattr("app.api.packages.WAIT_SECONDS", 0.0)
        patch.setattr("app.api.executions.executions.RETRY_WAIT_SECONDS", 0.0)
        api_keys.create_api_key(database, KEY, label="everything", scopes=["*"])
        # The one worker of these tests never beats, and stays for as long as they take.
        app = create_app(Settings.from_environment({"DATABASE_URL": url, "EXECUTIONS_LEASE_SECONDS": "86400"}))
        api = Api(app.test_client(), database)
        workflow = api.workflow(workflow_id="first")
        for status in ("success", "error", "canceled", "waiting"):
            for _ in range(5):
                number = api.ended(workflow, status) if status != "waiting" else api.queue(workflow)
                if status == "waiting":
                    api.finish(number, "waiting")
        api.patch("/executions/1", {"annotation": {"tags": ["tag_production"], "vote": "up"}})
        yield api
        app.extensions["executions"].close()


def operations() -> list[str]:
    """The operations of the document, as schemathesis labels them."""
    bare = Flask("bare")
    add_endpoints(bare)
    with bare.app_context():
        paths = orjson.loads(served_document().json)["paths"]
    return [f"{m.upper()} {path}" for path, item in paths.items() for m in item if m != "parameters"]


@pytest.fixture(scope="module")
def schema(api: Api):
    """What schemathesis makes of the document."""
    import schemathesis  # here: to load it takes a second in each process of a run, and only one or two need it

    config = schemathesis.config.SchemathesisConfig.from_dict({"generation": GENERATION})
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", api.client.application, config=config)


@pytest.mark.parametrize("label", operations())
def test_every_answer_is_documented(schema, label: str) -> None:
    from schemathesis import GenerationMode
    from schemathesis.checks import CHECKS

    operation = schema.find_operation_by_label(label)
    every = [check for check in CHECKS.get_all() if check.__name__ not in STATEFUL]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize="FUZZ" not in os.environ,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=st.sampled_from(GenerationMode).flatmap(lambda mode: operation.as_strategy(generation_mode=mode)),
        number=st.integers(1, 22),
        existing=st.booleans(),
    )
    def ask(case: Any, number: int, existing: bool) -> None:
        known = {"execution_id": str(number), "workflow_id": "first", "tag_id": "tag_production"}
        if existing:  # not only ids that nothing has
            case.path_parameters.update({name: known[name] for name in case.path_parameters.keys() & known.keys()})
        wait = case.body.get("wait") if isinstance(case.body, dict) else None
        if isinstance(wait, int | float) and 0 < wait <= 60:
            case.body["wait"] = 0.01
        # An empty value of a query string is none, whatever its parameter may be.
        empty = any(value == "" or (isinstance(value, list) and "" in value) for value in (case.query or {}).values())
        checks = [check for check in every if not (empty and check.__name__ == "negative_data_rejection")]
        # The client here says that it takes gzip, and then does not unpack it.
        case.call_and_validate(headers={"X-N8N-API-KEY": KEY, "Accept-Encoding": "identity"}, checks=checks)

    ask()
