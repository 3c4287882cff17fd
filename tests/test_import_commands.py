"""`flask import` of a file of workflows, run as a person runs it: as a process."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.repository.workflows import get_workflow
from tests.workflows import START, chain, node


def workflow(**changes: Any) -> dict[str, Any]:
    return {**chain(START, id="Orders1", name="Orders", active=True, custom=1), **changes}


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., str]:
    """Writes a file of workflows and returns its path."""

    def write(content: Any) -> str:
        path = tmp_path / "exported file.json"
        path.write_text(json.dumps(content))
        return str(path)

    return write


def test_an_exported_file_keeps_its_id_and_unknown_keys_and_is_not_active(flask, connection, file):
    assert flask("import", file(workflow())).stdout == "created\tOrders1\tOrders\n"
    stored = get_workflow(connection, "Orders1")
    assert (stored.name, stored.active, stored.project_id) == ("Orders", False, "default")
    definition = json.loads(stored.definition)
    assert (definition["nodes"], definition["custom"]) == (workflow()["nodes"], 1)
    assert not {"id", "name", "active", "versionId"} & definition.keys(), "these stand beside it"


def test_a_file_may_be_in_what_windows_writes(flask, file):
    path = Path(file(workflow()))
    for encoding in ("utf-16", "utf-8-sig"):
        path.write_text(json.dumps(workflow(), ensure_ascii=False), encoding=encoding)
        assert "\tOrders1\tOrders" in flask("import", path).stdout


def test_importing_says_what_would_not_run_here(flask, file):
    telegram = node("Tell", "telegram", credentials={"telegramApi": {"id": "none", "name": "Bot"}})
    told = flask("import", file(chain(START, telegram, id="Orders2", name="Tell")))
    assert told.stdout == "created\tOrders2\tTell\n"
    assert "node Tell: " in told.stderr
    assert "'Bot', which does not come along: store it" in told.stderr
    assert flask("import", file(workflow())).stderr == ""
    reading = file({**chain(START, node("Read", "xml", {"options": {}})), "name": "Read"})
    assert flask("import", reading).stderr == ""
    left = flask("import", reading, EXECUTIONS_PACKAGED_NODES="xml")
    assert "node Read: Unrecognized node type: n8n-nodes-base.xml" in left.stderr


def test_importing_again_makes_a_version_only_when_something_changed(flask, file):
    flask("import", file(workflow()))
    assert flask("import", file(workflow())).stdout.startswith("unchanged\t")
    assert flask("import", file(workflow(custom=2))).stdout.startswith("updated\t")


def test_a_file_may_hold_several_workflows_and_one_without_an_id_gets_one(flask, connection, file):
    content = [workflow(), {key: value for key, value in workflow(name="Other").items() if key != "id"}]
    _, other = flask("import", file(content)).stdout.splitlines()
    assert get_workflow(connection, other.split("\t")[1]).name == "Other"


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (workflow(nodes=workflow()["nodes"] * 2), "Start"),
        (workflow(connections={"Start": {"main": [[{"node": "Gone", "index": 0}]]}}), "2 of 2 ('Orders'): Node"),
        (workflow(nodes="none"), "exported file.json, workflow 2 of 2 ('Orders'): nodes"),
        (workflow(name=""), "name"),
        ("a text", "JSON object"),
    ],
)
def test_a_file_with_one_bad_workflow_is_refused_whole(flask, connection, file, broken, message):
    result = flask("import", file([workflow(id="Good1"), broken]))
    assert result.returncode == 1
    assert message in result.stderr
    assert "exported file.json" in result.stderr
    assert "Traceback" not in result.stderr
    assert connection.execute("SELECT count(*) FROM workflows").fetchone() == (0,)
