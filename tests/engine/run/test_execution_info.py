"""$execution in expressions and programs: its addresses are signed for who may look at them, and for nobody else."""

import pytest

from app.engine.run.ports import Ports
from tests.engine.running import Engine, output_of
from tests.workflows import START, chain, code, set_field

RESUME, FORM = "https://example.com/webhook-waiting/1", "https://example.com/form-waiting/1"


class Urls:
    """Counts how often they are asked for."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> tuple[str, str]:
        self.count += 1
        return RESUME, FORM


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("$execution.resumeUrl", RESUME),
        ("$execution['resume' + 'FormUrl']", FORM),
        (r"$\u0065xecution.resumeUrl", RESUME),
        ("Object.values($execution)[3]", FORM),
        ("$resumeWebhookUrl", RESUME),
        ("$evaluateExpression($json.hidden)", RESUME),
        ("$parameter.executeOnce", RESUME),
    ],
)
def test_what_an_expression_sees(engine: Engine, expression: str, value: str) -> None:
    given = code("return [{ json: { hidden: '{{ $execution.resumeUrl }}' } }]")
    node = set_field("seen", f"={{{{ {expression} }}}}")
    node["parameters"]["executeOnce"] = "={{ $execution.resumeUrl }}"
    outcome = engine.run(chain(START, given, node), ports=Ports(waiting_urls=Urls()))
    assert output_of(outcome, "Edit") == [{"seen": value}]


@pytest.mark.parametrize("program", ["$execution.resumeUrl", "global['$exec' + 'ution'].resumeUrl"])
def test_what_a_program_sees(engine: Engine, program: str) -> None:
    node = code(f"return [{{ json: {{ seen: {program} }} }}]")
    outcome = engine.run(chain(START, node), ports=Ports(waiting_urls=Urls()))
    assert output_of(outcome, "Code") == [{"seen": RESUME}]


def test_addresses_that_nobody_looks_at_are_not_signed(engine: Engine) -> None:
    urls = Urls()
    node = set_field("seen", "=Hello {{ $json.name ?? $workflow.id }}, {{ $now.year > 1 }}")
    engine.run(chain(START, node, code("return $input.all()")), ports=Ports(waiting_urls=urls))
    assert urls.count == 0
