"""The stand-in for n8n-workflow: what nodes make of it is what they would have made of the real one.

What stands here as expected was observed at a real one (2.40): message, description, httpCode, messages.
"""

import json
import subprocess
from typing import Any

import pytest

from app.packages.launch import STAND_IN
from app.packages.npm import NODE

UNKNOWN = "There was an unknown issue while executing the node"
BAD = "Bad request - please check your parameters"
MISSING = "The resource you are requesting could not be found"
REFUSED = "The service refused the connection - perhaps it is offline"
CLIENT = "Your request is invalid or could not be processed by the service"
API_ERRORS: list[tuple[Any, dict[str, Any], list[Any]]] = [
    ({"message": "boom"}, {}, ["boom", None, None, ["boom"]]),
    ({"statusCode": 404, "message": "nf"}, {}, [MISSING, "nf", "404", ["nf"]]),
    ({"httpCode": "418", "message": "tea"}, {}, [CLIENT, "tea", "418", ["tea"]]),
    (
        {"message": "x", "httpCode": 500},
        {"message": "m", "description": "d", "httpCode": "422"},
        ["m", "d", "422", ["x"]],
    ),
    (
        {"message": "no ECONNREFUSED", "code": "ECONNREFUSED"},
        {},
        [REFUSED, None, "ECONNREFUSED", ["no ECONNREFUSED"] * 2],
    ),
    (
        {"response": {"status": 422, "data": {"errors": [{"message": "a"}, {"message": "b"}]}}},
        {},
        [CLIENT, "a | b", "422", []],
    ),
    ({"error": {"error": {"message": "deep"}}, "statusCode": 400}, {}, [BAD, "deep", "400", []]),
    ({"status": 400, "detail": "the detail", "description": "said"}, {}, [BAD, "said", "400", []]),
    ({"statusCode": 400, "title": "T", "detail": "D"}, {}, [BAD, "D", "400", []]),
    ({"statusCode": 400, "errorMessages": ["t1", "t2"]}, {}, [BAD, "t1 | t2", "400", []]),
    ({"statusCode": 400, "info": "not looked at"}, {}, [BAD, None, "400", []]),
    ({"statusCode": 404, "message": "raw", "error": {"message": "told"}}, {}, [MISSING, "told", "404", ["raw"]]),
    ({"statusCode": 200, "message": "weird"}, {}, ["weird", None, "200", ["weird"]]),
    ({"error": "text"}, {}, ["text", None, None, []]),
    ({"error": "<a/>", "statusCode": 400}, {"parseXml": True}, [BAD, None, "400", []]),
    ({"message": "ab x"}, {"messageMapping": {"x": "mapped"}}, ["mapped", None, None, ["ab x", "ab x"]]),
    ({"code": "invalid_auth", "message": "m"}, {}, ["m", None, "invalid_auth", ["m"]]),
    # What the service says comes before what the node says of it.
    (
        {"message": "m", "response": {"status": 404, "data": {"message": "first", "error": {"message": "second"}}}},
        {"message": "m", "description": "d"},
        ["m", "first", "404", ["m"]],
    ),
    (
        {"response": {"status": 404, "data": {"error": {"message": "only"}}}},
        {"description": "d"},
        [MISSING, "only", "404", []],
    ),
    ({"message": "m"}, {"message": "m"}, ["m", None, None, ["m"]]),
    (
        {"message": "connect", "code": "ECONNREFUSED"},
        {"message": "said"},
        [REFUSED, "connect", "ECONNREFUSED", ["connect", "said"]],
    ),
    ({"error": {"message": "nested"}}, {"description": "d"}, ["d", "nested", None, []]),
]
PROGRAM = """
const w = require(process.argv[1] + '/n8n-workflow');
const asked = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const node = { name: 'N' };
const told = (error) => `${error.constructor.name}: ${error.message}`;
const attempt = (make) => { try { return make() } catch (error) { return told(error) } };
const wrapped = new w.NodeOperationError(node, new w.NodeApiError(node, { statusCode: 404 }), { itemIndex: 2 });
const circle = { a: 1 }; circle.b = circle;
const answers = {
  errors: asked.map(([said, options]) => {
    const error = new w.NodeApiError(node, said, options);
    return [error.message, error.description ?? null, error.httpCode, error.messages];
  }),
  wrapped: [wrapped.name, wrapped.message, wrapped.context, wrapped instanceof w.NodeError, wrapped.tags],
  same: (() => { const first = new w.NodeApiError(node, {}); return new w.NodeApiError(node, first) === first })(),
  unknown: attempt(() => w.NodeHelpers),
  kinds: [w.NodeConnectionTypes.Main, w.NodeConnectionType.AiTool, w.nodeConnectionTypes.length],
  json: [
    w.jsonParse('{"a":1}'), w.jsonParse('bad', { fallbackValue: 7 }), w.jsonParse("{a:'1',}", { repairJSON: true }),
    attempt(() => w.jsonParse('bad', { errorMessage: 'E' })), attempt(() => w.jsonParse('bad')),
    w.jsonStringify(circle, { replaceCircularRefs: true }),
  ],
  values: [w.deepCopy({ d: new Date(0), l: [1] }), w.isObjectEmpty({}), w.isObjectEmpty([1]), w.randomString(8).length],
};
console.log(JSON.stringify(answers));
"""


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    asked = json.dumps([[said, options] for said, options, _ in API_ERRORS])
    command = [str(NODE), "-e", PROGRAM, str(STAND_IN)]
    return json.loads(subprocess.run(command, input=asked, capture_output=True, text=True, check=True).stdout)


def test_errors_of_services_say_what_users_know(answers):
    assert answers["errors"] == [expected for _, _, expected in API_ERRORS]
    assert answers["same"] is True
    assert answers["wrapped"] == ["NodeOperationError", MISSING, {"itemIndex": 2}, True, {"reWrapped": True}]


def test_what_it_has_not_is_named(answers):
    assert 'uses "NodeHelpers" of n8n-workflow' in answers["unknown"]


def test_values_are_handled_as_nodes_expect(answers):
    assert answers["kinds"] == ["main", "ai_tool", 13]
    assert answers["json"][:4] == [{"a": 1}, 7, {"a": "1"}, "UserError: E"]
    assert answers["json"][4].startswith("SyntaxError")
    assert answers["json"][5] == '{"a":1,"b":"[Circular Reference]"}'
    assert answers["values"] == [{"d": "1970-01-01T00:00:00.000Z", "l": [1]}, True, False, 8]
