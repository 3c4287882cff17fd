"""What JavaScript itself makes of values, to compare ours with."""

from tests.engine.running import output_of
from tests.workflows import START, assign, chain, node


def in_javascript(engine, expression, values):
    """The expression evaluated with each value as v."""
    fields = assign(("r", "string", f"={{{{ (v => {expression})($json.v) }}}}"))
    outcome = engine.run(chain(START, node("Js", "set", fields, 3.4)), items=[{"json": {"v": v}} for v in values])
    return [entry["r"] for entry in output_of(outcome, "Js")]
