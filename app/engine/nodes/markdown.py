"""Markdown: to HTML by showdown, from HTML by node-html-markdown, both in the sandbox."""

from typing import Any

from app.engine.nodes.shared.failed_items import failed_item
from app.engine.nodes.shared.issues import Required, rules
from app.engine.run.computing import yield_to_loop
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.groups import as_group
from app.engine.run.items import Item, Outputs
from app.engine.run.programs import run_program
from app.engine.run.registry import node
from app.engine.sandbox import bundles
from app.engine.values import conversions, paths
from app.engine.values.conversions import Undefined

TO_HTML = """
const answer = ({ text, options }) => {
  const converter = new showdown.Converter();
  for (const [name, value] of Object.entries(options)) converter.setOption(name, value);
  return converter.makeHtml(text);
};
"""
TO_MARKDOWN = """
const list = (text) => text.split(',').map((each) => each.trim());
const read = {
  globalEscape: ({ value }) => value && [value.pattern, value.replacement],
  lineStartEscape: ({ value }) => value && [value.pattern, value.replacement],
  textReplace: ({ values }) => values?.map((entry) => [entry.pattern, entry.replacement]),
  ignore: list,
  blockElements: list,
  codeBlockStyle: (style) => (style === 'indented' ? 'indented' : 'fenced'),
  preferNativeParser: () => undefined, // there is none outside of a browser
};
const answer = ({ text, options }) => {
  const settings = {};
  for (const [name, value] of Object.entries(options)) {
    const made = Object.hasOwn(read, name) ? read[name](value) : value;
    if (made !== undefined) settings[name] = made;
  }
  return library.NodeHtmlMarkdown.translate(text, settings);
};
"""


ISSUES = rules(
    Required("html", "HTML", when={"mode": ["htmlToMarkdown"]}),
    Required("markdown", "Markdown", when={"mode": ["markdownToHtml"]}),
    Required("destinationKey", "Destination Key", "data", when={"mode": ["markdownToHtml", "htmlToMarkdown"]}),
    defaults={"mode": "htmlToMarkdown"},
)


@node("markdown", [1], issues=ISSUES)
async def markdown(context: NodeContext) -> Outputs:
    mode = await context.resolve_first(context.parameters.get("mode", "htmlToMarkdown"), parameter="mode")
    if mode == "markdownToHtml":
        program = await bundles.program(TO_HTML, showdown="showdown/dist/showdown.js")
        source = "markdown"
    elif mode != "htmlToMarkdown":
        raise NodeError(f"The Markdown node's mode '{conversions.display(mode)}' is not supported.")
    else:
        program = await bundles.program(TO_MARKDOWN, library="node-html-markdown/dist/index.js")
        source = "html"
    wanted = {"text": context.parameters.get(source, ""), "options": context.parameters.get("options") or {}}
    key = context.parameters.get("destinationKey")
    wanted["key"] = "data" if key is None else key
    resolved = await context.resolve_each(wanted, parameter=source, exact=True)
    rows: list[dict[str, Any]] = []
    for given in resolved:
        await yield_to_loop()
        rows.append({} if isinstance(given, NodeError) else _row(given))
    output: list[Item] = []
    for index, answer in enumerate(await run_program(context, program, rows)):
        await yield_to_loop()
        try:
            output.append(_item(context, context.items[index], resolved[index], answer))
        except NodeError as error:
            failed = failed_item(context, error, index)
            # What the library refuses is not paired, so that it gets no fields of its input among errors.
            output.append(failed if isinstance(resolved[index], NodeError) else {"json": failed["json"]})
    return [output]


def _row(given: dict[str, Any]) -> dict[str, Any]:
    """What the program sees: what is undefined is not there, and what is no number is null."""
    text, options = given["text"], as_group(given["options"])
    row = {} if isinstance(text, Undefined) else {"text": text if text == text else None}
    return {**row, "options": {} if isinstance(options, Undefined) else options}


def _item(context: NodeContext, item: Item, given: Any, answer: dict[str, Any]) -> Item:
    if isinstance(given, NodeError):
        raise given
    if "failed" in answer:
        raise NodeError(answer["failed"], anonymous=True)
    json = dict(item["json"])
    key = conversions.display(given["key"])
    if isinstance(given["text"], Undefined):
        paths.remove(json, key)
    else:
        paths.put(json, key, answer.get("made"), hold=context.hold)
    return {**item, "json": json}
