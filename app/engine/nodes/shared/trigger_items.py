"""What a trigger does in a run: it outputs the items that the run was started with."""

from app.engine.run.context import NodeContext
from app.engine.run.items import Outputs


def pass_on(context: NodeContext) -> Outputs:
    """The items at the outputs that they were put out at; whoever started the run has marked those of others than the
    first with `output`."""
    regular = context.node.kind.count_outputs(context.parameters)
    # Where the type cannot tell their number, the items do.
    used = max((item.get("output", 0) + 1 for item in context.items), default=0)
    outputs: Outputs = [[] for _ in range(max(regular, used))]
    for item in context.items:
        place = item.get("output", 0)
        outputs[place].append({key: value for key, value in item.items() if key != "output"})
    return outputs
