"""The comparison of templates by a slice of it: small workflows in the form of published ones, and kept answers."""

import base64
import copy
import gzip
import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import workflows
from tests.live import PROJECT
from tests.templates import database, reference
from tests.templates.bundles import bundle, expressions_of, nodes_of, workflow_of
from tests.templates.comparing import Comparison, sample
from tests.templates.data import KINDS, as_expression
from tests.templates.database import Template
from tests.templates.differences import Mask, first_difference
from tests.templates.far_side import FarSide
from tests.templates.odd_parameters import odd_nodes_of
from tests.templates.ours import Ours
from tests.templates.reference import Answers, Reference
from tests.templates.report import Report
from tests.templates.settled import CAUSES
from tests.templates.wholes import runnable

Json = dict[str, Any]


def node(name: str, type_name: str, version: float = 1, **parameters: Any) -> Json:
    named = {"some": {"id": "1", "name": "an account"}}
    return workflows.node(name, type_name, parameters, version, credentials=named)


def template(number: int, *nodes: Json, loop: bool = False) -> Template:
    """A template whose nodes follow each other; in a loop the last leads to the second."""
    names = [each["name"] for each in nodes]
    pairs = zip(names, names[1:] + names[1:2] * loop, strict=False)
    return Template(number, workflows.workflow(list(nodes), *pairs))


WHOLE = template(
    1,
    node("Every day", "scheduleTrigger", rule={"interval": [{}]}),
    node("Ask", "httpRequest", 4.2, url="https://api.example.com/v1?q={{ $json.city }}", options={}),
    node("Rows", "googleSheets", 4, operation="read"),
    node("Keep", "set", 2, values={"string": [{"name": "mail", "value": "={{ $('Rows').item.json.email }}"}]}),
)
ENDLESS = template(2, node("Go", "manualTrigger"), node("One", "noOp"), node("Two", "noOp"), loop=True)
PARTS = template(
    3,
    node("Go", "manualTrigger"),
    node("Page", "html", 1.2),
    node("Sum", "set", 2, values={"number": [{"name": "sum", "value": "={{ $json.price * 2 }}"}]}),
    node("Mine", "code", 2, jsCode="return $input.all().map(row => ({json: {n: row.json.tags.length}}));"),
)
RANDOM = template(
    5, node("Go", "manualTrigger"), node("Any", "code", 2, jsCode="return [{ json: { n: Math.random() * 0 } }];")
)


@dataclass
class Slice:
    """A comparison with answers that a test chooses: by default those that were given here."""

    ours: Ours
    far_side: FarSide
    folder: Path
    change: Callable[[Json], None] = lambda answer: None
    asked: list[Json] = field(default_factory=list)

    def run(self, workflow: Json, turn: int = 1) -> Json:
        self.asked.append(workflow)
        answers = Answers(self.folder, "answers")
        if answers.get(workflow, turn) is None:
            answer = copy.deepcopy(self.ours.run(workflow, 60))
            self.change(answer)
            answers.keep(workflow, turn, answer)
        kept = Reference(Answers(self.folder, "answers"), None).run(workflow, turn)
        assert kept is not None
        return kept

    def compare(self, *templates: Template) -> Report:
        report = Report("templates")
        Comparison(self.ours, self, report, self.far_side).compare_templates(templates)
        return report

    def compare_parts(self, tried: Any, data: str = "plausible") -> Report:
        report = Report("parts")
        Comparison(self.ours, self, report, self.far_side).compare_bundles(bundle(tried, 40), data)
        return report


@pytest.fixture(scope="module")
def serving() -> Iterator[tuple[Ours, FarSide]]:
    with FarSide(port=0).serving() as far_side:
        ours = Ours(far_side.port)
        yield ours, far_side
        ours.close()


@pytest.fixture
def part(serving, tmp_path) -> Slice:
    ours, far_side = serving
    return Slice(ours, far_side, tmp_path)


def test_the_database_is_read_as_it_is_published(tmp_path):
    path = tmp_path / "nodes.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE templates (id INTEGER PRIMARY KEY, workflow_json_compressed TEXT)")
        packed = base64.b64encode(gzip.compress(json.dumps(WHOLE.workflow).encode())).decode()
        connection.execute("INSERT INTO templates VALUES (1, ?)", [packed])
    assert list(database.read(path)) == [WHOLE]


def test_a_template_runs_with_items_that_its_expressions_can_read(part):
    workflow = runnable(WHOLE, part.far_side, part.ours.types)
    assert "credentials" not in json.dumps(workflow)
    answer = part.ours.run(workflow, 60)
    assert (answer["status"], answer["order"][0], answer["last"]) == ("success", "Start", "Keep")
    [[asked]] = [answer["nodes"]["Ask"][0]["outputs"][0]]
    assert asked["_request"]["path"] == "/v1"
    assert answer["nodes"]["Keep"][0]["outputs"][0][0]["mail"] == "ada@example.com"


def test_equal_answers_are_counted_as_equal(part):
    report = part.compare(WHOLE)
    assert report.counted == {"equal": 1}
    assert "equal" in str(report)


def test_a_difference_is_told_with_its_node_and_where_it_is(part):
    part.change = lambda answer: answer["nodes"]["Keep"][0]["outputs"][0][0].update(mail="else")
    report = part.compare(WHOLE)
    assert report.counted == {"different": 1}
    assert '1 set, outputs: template 1, Keep: [0][0].mail: "else" | "ada@example.com"' in str(report)


def test_what_may_not_end_is_not_asked_of_the_reference(part, monkeypatch):
    monkeypatch.setattr("tests.templates.comparing.TEMPLATE_SECONDS", 0.5)
    report = part.compare(ENDLESS)
    assert report.counted == {"endless": 1}
    assert part.asked == []


def test_a_template_without_a_start_is_not_comparable(part):
    alone = template(4, node("Ask", "mcpTrigger"))
    assert part.compare(alone).reasons == {"not comparable: no trigger leads anywhere": 1}


@pytest.mark.parametrize("data", KINDS)
def test_nodes_and_expressions_are_compared_one_by_one(part, data):
    assert part.compare_parts(nodes_of([PARTS, PARTS]), data).counted == {"equal": 3}
    assert part.compare_parts(expressions_of([PARTS, WHOLE]), data).counted == {"equal": 2}


def test_a_difference_on_purpose_counts_as_settled(part):
    part.change = lambda answer: answer["nodes"]["0"][0]["outputs"][0][0].update(html="another page")
    report = part.compare_parts(nodes_of([PARTS]))
    assert report.counted == {"settled": 1, "equal": 2}
    assert report.reasons == {"settled: HTML without a template": 1}


def test_what_differs_from_run_to_run_is_not_comparable(part):
    numbers = iter(range(100))
    part.change = lambda answer: answer["nodes"]["1"][0]["outputs"][0][0].update(sum=-next(numbers))
    assert part.compare_parts(nodes_of([PARTS])).counted == {"not comparable": 1, "equal": 2}


def test_a_difference_of_a_program_that_makes_random_choices_is_not_comparable(part):
    part.change = lambda answer: answer["nodes"]["Any"][0]["outputs"][0][0].update(n=1)
    assert part.compare(RANDOM).reasons == {"not comparable: differs from run to run": 1}


def test_of_a_loop_the_first_run_that_differs_is_told():
    def answer(value: int, *order: str) -> Json:
        runs = {"status": "success", "error": None, "binary": []}
        nodes = {name: [{**runs, "outputs": [[{}]]}] * order.count(name) for name in order}
        nodes["Work"] = [{**runs, "outputs": [[{"n": value}]]}]
        return {"status": "success", "nodes": nodes, "order": list(order), "error": None, "last": order[-1]}

    found = first_difference(answer(1, "Loop", "Work"), answer(2, "Loop", "Work", "Loop"), Mask())
    assert (found.what, found.node, found.theirs, found.ours) == ("outputs", "Work", 1, 2)
    found = first_difference(answer(1, "Loop", "Work"), answer(1, "Loop", "Work", "Loop"), Mask())
    assert (found.what, found.node, found.theirs, found.ours) == ("runs", "Loop", 1, 2)


@pytest.mark.parametrize(
    ("named", "taken"),
    [("Asia/Tokyo", "Asia/Tokyo"), ("DEFAULT", "Europe/Berlin"), ("={{ $workflow.timezone }}", "Europe/Berlin")],
)
def test_a_template_is_run_in_the_zone_that_it_names(named, taken):
    assert Template(1, {**WHOLE.workflow, "settings": {"timezone": named}}).timezone == taken


def test_each_settled_cause_has_its_line_in_the_list_of_differences():
    lines = (PROJECT / "docs" / "differences.md").read_text().splitlines()
    for cause in CAUSES:
        assert sum(line.startswith(f"| {cause.line}") for line in lines) == 1, cause.line


def test_odd_and_empty_data_differ_from_plausible_data():
    [made] = bundle(nodes_of([PARTS]), 40)
    assert len({json.dumps(workflow_of(made, data)) for data in KINDS}) == len(KINDS)


def test_odd_parameters_are_the_same_for_the_same_seed_and_leave_the_template_as_it_was(part):
    before = copy.deepcopy(PARTS.workflow)
    beside = template(9, node("Program", "@n8n/n8n-nodes-langchain.code", code={"execute": {}}))
    made = [[each.node for each in odd_nodes_of([PARTS, WHOLE, beside], part.far_side, seed)] for seed in (3, 3, 4)]
    assert made[0] == made[1] != made[2]
    assert all(each["parameters"] not in [node.get("parameters") for node in PARTS.nodes] for each in made[0])
    assert all(each["name"] != "Program" for each in made[0]), "a node of another package than the basic one"
    assert PARTS.workflow == before


def test_a_node_that_both_refuse_is_set_apart(part):
    missing = template(5, node("Go", "manualTrigger"), node("Out", "splitOut", fieldToSplitOut=""))
    report = part.compare_parts(nodes_of([PARTS, missing]))
    assert report.counted == {"equal": 3, "not comparable": 1}
    assert len(part.asked) == 2


def test_a_sample_is_the_same_for_the_same_seed():
    every = list(range(100))
    assert sample(every, 10, 3) == sample(every, 10, 3) != sample(every, 10, 4)
    assert sample(every, None, 3) == every


def test_an_answer_of_a_reference_that_is_too_busy_is_asked_for_again(tmp_path, monkeypatch):
    def lost(_: httpx.Request) -> httpx.Response:
        return httpx.Response(500, json={"message": reference.BUSY})

    calls = [lost, lambda _: httpx.Response(400, text="refused for what it is")]
    monkeypatch.setattr(reference, "PAUSES", (0, 0))
    with httpx.Client(base_url="http://n8n", transport=httpx.MockTransport(lambda call: calls.pop(0)(call))) as client:
        answer = Reference(Answers(tmp_path, "answers"), client).run({"nodes": []})
    assert (answer["status"], answer["error"]["message"]) == ("refused", "refused for what it is")


def test_times_near_now_are_equal_and_others_are_not():
    mask = Mask()
    now = datetime.now(UTC)
    assert mask.equal({"at": now.isoformat()}, {"at": (now + timedelta(seconds=3)).isoformat()})
    assert not mask.equal({"at": "2001-01-01T00:00:00Z"}, {"at": "2001-01-01T00:00:01Z"})


def test_data_within_an_expression_holds_no_two_braces():
    value = {"a": {"b": {"c": "{{ 1 }}"}}}
    text = as_expression(value)
    assert json.loads(text) == value
    assert "{{" not in text
    assert "}}" not in text
