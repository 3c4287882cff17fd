"""XML: to JSON and from JSON, by xml2js in the sandbox."""

from typing import Any

from app.engine.nodes.shared.issues import Required, rules
from app.engine.run.computing import yield_to_loop
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.groups import as_group
from app.engine.run.items import Item, Outputs
from app.engine.run.programs import run_program
from app.engine.run.registry import node
from app.engine.sandbox import bundles
from app.engine.values import conversions
from app.engine.values.conversions import Undefined

LIBRARY = "xml2js/lib/xml2js.js"
TO_JSON = """
const answer = ({ text, options }) => new Promise((resolve, reject) => {
  const tamed = (name) => (['__proto__', 'constructor', 'prototype'].includes(name) ? `sanitized_${name}` : name);
  const names = { tagNameProcessors: [tamed], attrNameProcessors: [tamed] };
  const parser = new xml2js.Parser({ mergeAttrs: true, explicitArray: false, ...options, ...names });
  parser.parseString(text, (error, made) => {
    if (error || made === null) reject(error ?? new Error("Cannot read properties of null (reading '$error')"));
    else resolve(made);
  });
});
"""
TO_XML = """
const answer = ({ json, options }) => new xml2js.Builder(options).buildObject(json);
"""


ISSUES = rules(
    Required("dataPropertyName", "Property Name", "data", when={"mode": ["jsonToxml"]}),
    Required("dataPropertyName", "Property Name", "data", when={"mode": ["xmlToJson"]}),
    defaults={"mode": "xmlToJson"},
)


@node("xml", [1], issues=ISSUES)
async def xml(context: NodeContext) -> Outputs:
    resolved = await context.resolve_each(context.parameters, exact=True)
    if resolved and isinstance(resolved[0], NodeError):
        raise resolved[0]  # as in n8n, which reads the first item's parameters before any other thing
    mode = await context.resolve_first(context.parameters.get("mode", "xmlToJson"), parameter="mode")
    if mode not in ("jsonToxml", "xmlToJson"):
        raise NodeError(f"The XML node's mode '{conversions.display(mode)}' is not supported.")
    writes = mode == "jsonToxml"
    program = await bundles.program(TO_XML if writes else TO_JSON, xml2js=LIBRARY)
    rows: list[dict[str, Any]] = []
    for item, parameters in zip(context.items, resolved, strict=True):
        await yield_to_loop()
        rows.append(_row(item, parameters, writes))
    output: list[Item] = []
    for index, answer in enumerate(await run_program(context, program, rows)):
        await yield_to_loop()
        try:
            output.append(_item(context.items[index], resolved[index], answer, index, writes))
        except NodeError:
            # As in n8n, an item that fails is left out where the workflow goes on.
            if not context.continues_on_fail:
                raise
    return [output]


def _row(item: Item, parameters: dict[str, Any] | NodeError, writes: bool) -> dict[str, Any]:
    if isinstance(parameters, NodeError):
        return {"text": "<none/>", "json": {}, "options": {}}
    given = as_group(parameters.get("options"))
    options = {name: value for name, value in given.items() if value is not None and not isinstance(value, Undefined)}
    if writes:
        return {"json": item["json"], "options": options}
    return {"text": item["json"].get(_property(parameters)), "options": options}


def _property(parameters: dict[str, Any]) -> str:
    return conversions.to_string(parameters.get("dataPropertyName", "data"))


def _item(item: Item, parameters: Any, answer: dict[str, Any], index: int, writes: bool) -> Item:
    if isinstance(parameters, NodeError):
        raise parameters
    name = _property(parameters)
    if not writes and name not in item["json"]:
        raise NodeError(f'Item has no JSON property called "{name}"', item_index=index)
    if "failed" in answer:
        raise NodeError(answer["failed"], anonymous=True)
    made = answer.get("made")
    return {"json": {name: made} if writes else made, "pairedItem": {"item": index}}
