"""HTML: a template filled in, content extracted by CSS selectors (cheerio, in the sandbox), items as a table."""

from typing import Any

from app.engine.nodes.shared import binary
from app.engine.nodes.shared.failed_items import failed_item
from app.engine.nodes.shared.issues import Required, rules
from app.engine.run.computing import compute, count_steps, yield_to_loop
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError, forget_frames
from app.engine.run.groups import as_group
from app.engine.run.items import Item, Outputs
from app.engine.run.parameters import split_expressions
from app.engine.run.programs import run_program
from app.engine.run.registry import node
from app.engine.sandbox import bundles
from app.engine.values import conversions, paths
from app.engine.values.conversions import Undefined

LIBRARIES = {"cheerio": "cheerio/dist/commonjs/load-parse.js", "texts": "html-to-text/lib/html-to-text.cjs"}
MAX_LEVELS = 2_000
"""Of elements within each other: the time that parsing takes grows with their square."""
EXTRACT = """
const MAX_LEVELS = %d;
const { treeAdapter } = cheerio.load('')._options;
const parsePage = (html) => {
  let levels = 0;
  return cheerio.load(html, {
    treeAdapter: {
      ...treeAdapter,
      onItemPush: () => {
        levels += 1;
        if (levels > MAX_LEVELS) throw new Error(`The HTML is nested in more than ${MAX_LEVELS} levels`);
      },
      onItemPop: () => {
        levels -= 1;
      },
    },
  });
};
const text = (html, skip) => {
  const selectors = skip ? skip.split(',').map((each) => ({ selector: each.trim(), format: 'skip' })) : [];
  return texts.convert(html ?? '', { selectors });
};
const read = {
  attribute: (found, { attribute }) => found.attr(attribute),
  html: (found) => found.html() || undefined,
  value: (found) => found.val(),
  text: (found, { skipSelectors }, version) =>
    version < 1.2 ? found.text() || undefined : text(found.html(), skipSelectors),
};
const answer = ({ html, entries, options, version }) => {
  const page = parsePage(html);
  const clean = (value) => {
    if (typeof value !== 'string') return value;
    const made = options.trimValues ? value.trim() : value;
    return options.cleanUpText ? made.trim().replace(/[\\r\\n]/g, '').replace(/\\s+/g, ' ') : made;
  };
  const made = {};
  for (const entry of entries) {
    const wanted = entry.returnValue ?? 'text';
    if (!Object.hasOwn(read, wanted)) {
      const shown = typeof wanted === 'string' ? wanted : JSON.stringify(wanted);
      throw new Error(`The return value '${shown}' is not supported.`);
    }
    const get = (found) => clean(read[wanted](found, entry, version));
    const found = page(entry.cssSelector ?? '');
    const value = entry.returnArray ? found.toArray().map((each) => get(page(each))) : get(found);
    if (value !== undefined) made[entry.key] = value;
  }
  return made;
};
"""
PAGE = """<!DOCTYPE html>
<html>
<head>
  <meta charset="UTF-8" />
  <title>A new page</title>
  <style>
    body { font-family: sans-serif; }
    main { margin: 2em auto; max-width: 40em; }
  </style>
</head>
<body>
  <main>
    <h1>A heading</h1>
    <p>A paragraph</p>
  </main>
</body>
</html>
"""
"""The output of a node without a template."""
STYLES = {
    "table": "border-spacing:0; font-family:helvetica,arial,sans-serif",
    "header": "margin:0; padding:7px 20px 7px 0px; border-bottom:1px solid #eee; text-align:left; color:#888; "
    "font-weight:normal",
    "cell": "margin:0; padding:7px 20px 7px 0px; border-bottom:1px solid #eee",
}


EXTRACTED = {"operation": ["extractHtmlContent"]}
ISSUES = rules(
    Required("dataPropertyName", "Input Binary Field", "data", when={**EXTRACTED, "sourceData": ["binary"]}),
    Required("dataPropertyName", "JSON Property", "data", when={**EXTRACTED, "sourceData": ["json"]}),
    defaults={"operation": "generateHtmlTemplate", "sourceData": "json"},
)


@node("html", [1, 1.1, 1.2], issues=ISSUES, plain=["operation"], groups=["extractionValues"])
async def html(context: NodeContext) -> Outputs:
    operation = context.parameters.get("operation", "generateHtmlTemplate")
    if operation == "generateHtmlTemplate":
        return [await _fill_in(context)]
    if operation == "convertToHtmlTable":
        return [await _table(context)] if context.items else [[]]
    if operation == "extractHtmlContent":
        return [await _extract(context)]
    raise NodeError(f"The HTML node's operation '{operation}' is not supported.")


def _page(text: Any, index: int) -> Item:
    return {"json": {"html": text}, "pairedItem": {"item": index}}


async def _fill_in(context: NodeContext) -> list[Item]:
    """The template filled in for each item. Its expressions stand in it as they are, also where it is no expression
    itself."""
    template = context.parameters.get("html")
    if not isinstance(template, str):
        page = PAGE if template is None else template
        return [_page(page, index) for index in range(len(context.items))]
    pieces = split_expressions(template.removeprefix("="))  # every other one is what stands inside of {{ }}
    texts = await context.resolve_each([f"={{{{ String({inner}) }}}}" for inner in pieces[1::2]], parameter="html")
    output: list[Item] = []
    for index, made in enumerate(texts):
        await yield_to_loop()
        if isinstance(made, NodeError):
            output.append(failed_item(context, made, index))
            continue
        put_in = ["undefined" if value is None else value for value in made]
        page = "".join([text + value for text, value in zip(pieces[::2], [*put_in, ""], strict=True)])
        context.hold(len(page))
        output.append(_page(page, index))
    return output


async def _extract(context: NodeContext) -> list[Item]:
    output: list[Item] = []
    rows: list[dict[str, Any]] = []
    places: list[tuple[int, NodeError | None]] = []
    entries: list[dict[str, Any]] = []
    read: Any = None  # what the entries are of: constant parameters are the same for all items
    for index, parameters in enumerate(await context.resolve_each(context.parameters, exact=True)):
        await yield_to_loop()
        try:
            if isinstance(parameters, NodeError):
                raise parameters
            if parameters is not read:
                read, entries = parameters, _entries(parameters)
            options = as_group(parameters.get("options"))
            for page in await _pages(context, parameters, index):
                rows.append({"html": page, "entries": entries, "options": options, "version": context.version})
                places.append((index, None))
        except NodeError as error:
            rows.append({"html": "", "entries": [], "options": {}, "version": context.version})
            forget_frames(error)
            places.append((index, error))
            if not context.continues_on_fail:
                break
    answers = await run_program(context, await bundles.program(EXTRACT % MAX_LEVELS, **LIBRARIES), rows) if rows else []
    for (index, failed), answer in zip(places, answers, strict=True):
        await yield_to_loop()
        message = failed.message if failed is not None else answer.get("failed")
        if message is not None and not context.continues_on_fail:
            raise failed or NodeError(message, anonymous=True)
        json = {"error": message} if message is not None else answer.get("made") or {}
        output.append({"json": json, "pairedItem": {"item": index}})
    return output


def _entries(parameters: dict[str, Any]) -> list[dict[str, Any]]:
    given = (parameters.get("extractionValues") or {"values": [{}]}).get("values") or []
    return [{**_without_undefined(entry), "key": _key(entry)} for entry in given]


def _without_undefined(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if not isinstance(value, Undefined)}


def _key(entry: dict[str, Any]) -> str:
    """The field that a value goes to; one without a name is the empty one."""
    return conversions.to_string(entry.get("key", ""))


async def _pages(context: NodeContext, parameters: dict[str, Any], index: int) -> list[Any]:
    """The documents of an item: one, or each of a list."""
    item = context.items[index]
    name = conversions.to_string(parameters.get("dataPropertyName", "data"))
    if parameters.get("sourceData", "json") == "binary":
        async with binary.reading(context, name, index) as content:
            return [await binary.decode(context, content, "utf-8")]
    value = paths.get(item["json"], name, paths.MISSING)
    if value is paths.MISSING:
        raise NodeError(f'No property named "{name}" exists!', item_index=index)
    return value if isinstance(value, list) else [value]


async def _table(context: NodeContext) -> list[Item]:
    options = as_group(await context.resolve_first(context.parameters.get("options")))
    return await compute(_write_table, context, options, size=count_steps(context.items))


def _write_table(context: NodeContext, options: dict[str, Any]) -> list[Item]:
    styled = not options.get("customStyling")

    def attributes(part: str) -> str:
        style = f"style='{STYLES[part]}'" if styled and part in STYLES else ""
        return f"{style} {options.get(f'{part}Attributes') or ''}"

    names = list(dict.fromkeys(name for item in context.items for name in item["json"]))
    heads = "".join(f"<th>{_title(name) if options.get('capitalize') else name}</th>" for name in names)
    rows = []
    cell, row = attributes("cell"), attributes("row")
    for item in context.items:
        context.hold(len(names) * len(cell) + len(row))  # it may be too much before there is a line
        cells = "".join(f"<td {cell}>{_cell(item['json'], name)}</td>" for name in names)
        rows.append(f"<tr {row}>{cells}</tr>")
        context.hold(len(rows[-1]) - len(names) * len(cell) - len(row))
    caption = f"<caption>{options['caption']}</caption>" if options.get("caption") else ""
    table = (
        f"<table {attributes('table')}>{caption}<thead {attributes('header')}><tr>{heads}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )
    origins = [{"item": index} for index in range(len(context.items))]
    return [{"json": {"table": table}, "pairedItem": origins}]


def _title(name: str) -> str:
    return " ".join(word[:1].upper() + word[1:] for word in name.split("_"))


def _cell(json: dict[str, Any], name: str) -> str:
    if name not in json:
        return "undefined"
    value = json[name]
    if isinstance(value, bool):
        return '<input type="checkbox" checked="checked"/>' if value else '<input type="checkbox" />'
    return conversions.to_string(value)
