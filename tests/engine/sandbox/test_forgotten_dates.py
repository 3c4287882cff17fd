"""What Luxon keeps for the next date is emptied at the end of each request that may have asked it for one."""

import json
import subprocess

from app.engine.sandbox.process import NODE
from app.places import APP

SANDBOX = APP / "engine/sandbox"
PROGRAM = """
const fs = require('fs');
const [folder, expressions] = process.argv.slice(1);
const evaluated = (path) => fs.readFileSync(`${folder}/${path}`, 'utf8');
const file = (name) => (0, eval)(evaluated(`js/realm/${name}.js`));
const library = (path) => new Function('module', 'exports', 'require', evaluated(`node_modules/${path}`));
let emptied = 0;
const luxon = (module, exports) => {
  library('luxon/build/cjs-browser/luxon.js')(module, exports);
  module.exports.Settings.resetCaches = () => { emptied += 1; };
};
const realm = {};
file('bridge')(realm, () => 'x');
file('libraries')(realm, luxon, library('jmespath/jmespath.js'));
for (const name of ['encode', 'scope', 'variables', 'methods-date', 'methods-number', 'methods-string', 'methods-array',
  'methods-object', 'methods', 'clone']) file(name)(realm);
const door = file('evaluate')(realm);
realm.forget = realm.forgetDates;
const scope = JSON.stringify({ items: [{ json: { a: '2026-01-02' } }], timezone: 'Europe/Berlin' });
const count = (variables, body) => {
  emptied = 0;
  door.define(0, JSON.stringify([{ function: 0, variables }]), new Function(...variables, `return ${body}`));
  door.evaluate('[0]', scope);
  return emptied;
};
count([], '1');
console.log(JSON.stringify(JSON.parse(expressions).map(([variables, body]) => count(variables, body))));
"""
USES = [
    [["$now"], "1"],
    [["$today"], "1"],
    [["DateTime"], "DateTime.utc().toISO()"],
    [["Duration"], "1"],
    [["Interval"], "1"],
    [["$json", "__call"], "__call.toDateTime($json.a)()"],
    [["$json", "__methods"], "$json.a[__methods.toDateTime]()"],
    [["$json"], "$json.a[Object.getOwnPropertySymbols(Object.prototype)[0]]()"],
]
USES_NONE = [["$json"], "$json.a"]


def test_the_next_request_finds_nothing_of_dates() -> None:
    expressions = json.dumps([*USES, USES_NONE])
    command = [str(NODE), "-e", PROGRAM, str(SANDBOX), expressions]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == [1] * len(USES) + [0]
