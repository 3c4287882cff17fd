"""Merge by a query: each input is a table, and AlaSQL answers, as in n8n; in the sandbox.

The query can reach nothing but these tables: what AlaSQL reads and writes files and addresses with is taken from it,
and the process that it runs in could not do it either.
"""

from typing import Any

from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.groups import as_group
from app.engine.run.items import Item, Outputs
from app.engine.run.programs import run_program
from app.engine.sandbox import bundles

MAX_PLACES = 100_000
"""Of all rows together, where each row is paired with all items of all inputs."""
EDITORS_QUERY = "SELECT * FROM input1 LEFT JOIN input2 ON input1.name = input2.id"
"""What the editor shows in a new node: one that was never changed is stored without it."""
LIBRARY = "alasql/dist/alasql.min.js"
SURROUNDINGS = "globalThis.fetch = () => { throw new Error('Network and file system access is disabled'); };"
QUERY = """
const refuse = () => {
  throw new Error('Network and file system access is disabled in the SQL sandbox');
};
for (const name of Object.keys(alasql.from)) if (name !== 'RANGE') alasql.from[name] = refuse;
for (const name of Object.keys(alasql.into)) alasql.into[name] = refuse;
for (const name of ['loadFile', 'loadBinaryFile', 'saveFile', 'removeFile', 'deleteFile', 'fileExists']) {
  alasql.utils[name] = refuse;
}
for (const kind of ['Require', 'Source', 'AttachDatabase']) {
  if (alasql.yy[kind]) alasql.yy[kind].prototype.execute = refuse;
}
alasql.options.cache = false;

/** The tables anew, each row with the place that it has come from or without. */
const database = (tables, paired) => {
  const made = new alasql.Database();
  tables.forEach((rows, number) => {
    const name = `input${number + 1}`;
    made.exec(`CREATE TABLE ${name}`);
    made.tables[name].data = rows.map((row, item) => {
      const pairedItem = number === 0 ? { item } : { item, input: number };
      return paired ? { ...row, pairedItem } : { ...row };
    });
  });
  return made;
};

/** The query's tree, which also gives where its rows have come from; undefined where that cannot be said. */
const withPlaces = (query, names) => {
  const tree = alasql.parse(query);
  const [select] = tree.statements;
  if (tree.statements.length !== 1 || !(select instanceof alasql.yy.Select)) return undefined;
  if (select.union || select.unionall || select.except || select.intersect) return undefined;
  const columns = [];
  for (const { as, tableid, table } of [...(select.from ?? []), ...(select.joins ?? [])]) {
    const name = tableid ?? table?.tableid;
    if (!names.includes(name) || (as && as !== name && as !== 'default')) return undefined;
    columns.push(new alasql.yy.Column({ columnid: 'pairedItem', tableid: name, as: `pairedItem${columns.length}` }));
  }
  if (!select.columns.some(({ columnid, tableid }) => columnid === '*' && !tableid)) select.columns.push(...columns);
  return select;
};

const rowsOf = (results) => {
  // Several statements give a list of what each gives: rows, or how many it has changed.
  if (!Array.isArray(results)) throw new TypeError('result is not iterable');
  return results.flat().filter((row) => typeof row === 'object' && row !== null);
};

const split = (row) => {
  const json = {};
  const places = [];
  for (const [key, value] of Object.entries(row)) {
    if (!/^pairedItem\\d*$/.test(key)) json[key] = value;
    else if (value && !places.some((each) => each.item === value.item && each.input === value.input)) {
      places.push(value);
    }
  }
  return [json, places];
};

const answer = ({ query, tables }) => {
  const names = tables.map((_, number) => `input${number + 1}`);
  try {
    const asked = withPlaces(query, names);
    if (asked !== undefined) return rowsOf(asked.compile(database(tables, true).databaseid)([])).map(split);
  } catch {
    // As it was written, then; without places.
  }
  return rowsOf(database(tables, false).exec(query)).map((json) => [json, null]);
};
"""


async def merge_by_sql(context: NodeContext, inputs: list[list[Item]], parameters: dict[str, Any]) -> Outputs:
    """The rows that the query gives, as items. Raises NodeError with what is wrong with it."""
    tables = [[item["json"] for item in items] for items in inputs]
    program = await bundles.program(QUERY, SURROUNDINGS, alasql=LIBRARY)
    row = {"query": str(parameters.get("query", EDITORS_QUERY) or ""), "tables": tables}
    [answer] = await run_program(context, program, [row], compiles=True)
    if "failed" in answer:
        raise NodeError("Issue while executing query", description=str(answer["failed"]))
    rows: list[tuple[dict[str, Any], list[dict[str, int]] | None]] = answer.get("made") or []
    everything = _all_places(inputs, len(rows))
    items: list[Item] = [_item(json, everything if places is None else places) for json, places in rows]
    if not items and _reports_success(context, parameters):
        return [[_item({"success": True}, everything)]]
    return [items]


def _all_places(inputs: list[list[Item]], rows: int) -> list[dict[str, int]] | None:
    """Where a row may have come from when nobody can say where; None where that is too much to write down."""
    if sum(map(len, inputs)) * rows > MAX_PLACES:
        return None
    return [{"item": place, "input": number} for number, items in enumerate(inputs) for place in range(len(items))]


def _item(json: dict[str, Any], places: list[dict[str, int]] | None) -> Item:
    return {"json": json} if places is None else {"json": json, "pairedItem": places}


def _reports_success(context: NodeContext, parameters: dict[str, Any]) -> bool:
    default = "success" if context.version < 3.2 else "empty"
    return str(as_group(parameters.get("options")).get("emptyQueryResult", default)) == "success"
