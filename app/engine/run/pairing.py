"""Which input item each item of a node's output belongs to, and where the items go that stand for an error."""

from app.engine.run.graph import Node
from app.engine.run.items import Item, Outputs
from app.engine.run.state import Task
from app.engine.values import conversions

BESIDE_ERRORS = frozenset({"error", "message", "details"})
"""Keys of an item that stands for an error; with any other it is one like others."""


def pair_inputs(task: Task) -> list[list[Item]]:
    """The inputs, each item marked with its own place, so that what a node passes on is paired already."""
    if task.sources is None:
        return [items or [] for items in task.inputs]
    inputs = []
    for index, items in enumerate(task.inputs):
        given = items or []
        if task.node.execute_once and not task.node.disabled:
            given = given[:1]
        if index == 0:
            inputs.append([{**item, "pairedItem": {"item": place}} for place, item in enumerate(given)])
        else:
            inputs.append([{**item, "pairedItem": {"item": place, "input": index}} for place, item in enumerate(given)])
    return inputs


def finish_outputs(node: Node, inputs: list[list[Item]], outputs: Outputs, output_count: int | None = None) -> Outputs:
    """The outputs as they are recorded. `output_count`: how many regular ones there are, where the run has told."""
    if node.on_error == "continueErrorOutput" and not node.disabled:
        regular = node.kind.count_outputs(node.parameters) if output_count is None else output_count
        outputs = _route_errors(regular, inputs, outputs)
    outputs = _tell_errors(outputs)
    pair(inputs, outputs, lone=len(outputs) == 1 or node.kind.count_outputs(node.parameters) == 1)
    if node.always_output and not (outputs and outputs[0]):
        origins = [{"item": place, "input": index} for index, items in enumerate(inputs) for place in range(len(items))]
        outputs = [[{"json": {}, "pairedItem": origins}], *outputs[1:]]
    return outputs


def pair(inputs: list[list[Item]], outputs: Outputs, *, lone: bool) -> None:
    """Pair what a node left unpaired where there is only one way to see it.

    With `lone`, a single item counts as the first's, unless others went another way.
    """
    if len(inputs) != 1:
        return
    count = len(inputs[0])
    lone = lone and sum(map(bool, outputs)) == 1
    for items in outputs:
        if count == 1 or (lone and len(items) == 1):
            for item in items:
                if "pairedItem" not in item:
                    item["pairedItem"] = {"item": 0}
        elif len(items) == count:
            for place, item in enumerate(items):
                if "pairedItem" not in item:
                    item["pairedItem"] = {"item": place}


def _route_errors(regular: int, inputs: list[list[Item]], outputs: Outputs) -> Outputs:
    """Move the items that stand for an error to the extra output, together with the input they failed for.

    What a node gives beyond the outputs that it shows, as Filter does, gives way to them; what lies further is left.
    """
    beyond = outputs[regular + 1 :]
    outputs = [*outputs[:regular], *([] for _ in range(regular - len(outputs)))]
    failed: list[Item] = []
    passed: Outputs = []
    for items in outputs:
        passed.append([item for item in items if not _is_error(item)])
        failed.extend(_with_input(item, inputs) for item in items if _is_error(item))
    return [*passed, failed, *beyond]


def _is_error(item: Item) -> bool:
    if conversions.truthy(item.get("error")):
        return True
    json = item["json"]
    if not isinstance(json, dict) or not conversions.truthy(json.get("error")):
        return False
    return json.keys() <= BESIDE_ERRORS


def _tell_errors(outputs: Outputs) -> Outputs:
    """Let an item that carries an error hold what that says, and nothing else."""
    for items in outputs:
        for item in items:  # without a call for each: all items of every node pay it
            json = item["json"]
            if item.get("error") is not None or (isinstance(json, dict) and "$error" in json):
                return [[_with_message(each) for each in given] for given in outputs]
    return outputs


def _with_message(item: Item) -> Item:
    """The item, which holds only what its error says if it carries one."""
    json = item["json"]
    if isinstance(json, dict) and "$error" in json and "$json" in json:
        item = {**item, "error": json["$error"]}
    error = item.get("error")
    if error is None:
        return item
    message = error.get("message") if isinstance(error, dict) else None
    return {**item, "json": {} if message is None else {"error": message}}


def _with_input(item: Item, inputs: list[list[Item]]) -> Item:
    pairing = item.get("pairedItem")
    if isinstance(pairing, list) and pairing:
        pairing = pairing[0]
    if isinstance(pairing, dict):
        index, place = pairing.get("input") or 0, pairing.get("item", 0)
        if index < len(inputs) and place < len(inputs[index]):
            return {**item, "json": {**inputs[index][place]["json"], **item["json"]}}
    return item
