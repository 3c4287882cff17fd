"""$vars in expressions and programs: read once for a run, and only by who asks."""

from dataclasses import replace

import pytest

from app.engine.run.ports import Ports
from app.engine.run.variables import shown_variables
from tests.engine.running import Engine, output_of
from tests.workflows import START, chain, code, set_field

VALUES = {"region": "eu", "other": "x"}


class Store:
    """Counts how often it is read."""

    def __init__(self) -> None:
        self.read_count = 0

    async def read(self) -> dict[str, str]:
        self.read_count += 1
        return VALUES


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("$vars.region", "eu"),
        ("$vars['region']", "eu"),
        ("$vars?.region + $vars . other", "eux"),
        ("Object.keys($vars).sort().join()", "other,region"),
        ("$vars[['reg', 'ion'].join('')]", "eu"),
        ("typeof $vars.missing", "undefined"),
        ("'region' in $vars", "true"),
    ],
)
def test_what_an_expression_sees(engine: Engine, expression: str, value: str) -> None:
    workflow = chain(START, set_field("seen", f"={{{{ {expression} }}}}"))
    outcome = engine.run(workflow, ports=Ports(variables=Store().read))
    assert outcome.status == "success", outcome.error
    assert output_of(outcome, "Edit") == [{"seen": value}]


def test_a_run_reads_them_once_and_only_when_asked(engine: Engine) -> None:
    asking, silent = Store(), Store()
    program = code("return [{ json: { region: $vars.region, missing: $vars.nope === undefined } }]")
    outcome = engine.run(
        chain(START, set_field("seen", "={{ $vars.other }}"), program), ports=Ports(variables=asking.read)
    )
    assert output_of(outcome, "Code") == [{"region": "eu", "missing": True}]
    assert asking.read_count == 1
    engine.run(chain(START, set_field("seen", "={{ 1 }}")), ports=Ports(variables=silent.read))
    assert silent.read_count == 0


def test_a_change_of_them_changes_nothing(engine: Engine) -> None:
    program = "try { $vars.region = 'us' } catch {} return [{ json: { region: $vars.region } }]"
    workflow = chain(START, code(program, "One"), set_field("seen", "={{ $vars.region }}"))
    outcome = engine.run(workflow, ports=replace(Ports(), variables=Store().read))
    assert output_of(outcome, "Edit") == [{"seen": "eu"}]


def test_without_any_all_are_undefined(engine: Engine) -> None:
    outcome = engine.run(chain(START, set_field("seen", "={{ typeof $vars.region }}")))
    assert output_of(outcome, "Edit") == [{"seen": "undefined"}]


@pytest.mark.parametrize(
    ("texts", "shown"),
    [
        (["{{ $vars.region }}"], ["region"]),
        (["{{ $vars.region }}", "{{ $vars }}"], ["other", "region"]),
        (['{{ $vars["other"] }}'], ["other"]),
        (["{{ $vars[$json.key] }}"], ["other", "region"]),
        (["{{ $vars.missing }}"], []),
    ],
)
def test_only_those_that_are_asked_for_travel_to_the_sandbox(texts: list[str], shown: list[str]) -> None:
    assert sorted(shown_variables(VALUES, texts)) == shown
