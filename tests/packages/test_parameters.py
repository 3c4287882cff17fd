"""Parameters as a programmed node of a package asks for them: completed, evaluated, of their types, or refused."""

import pytest

from app.engine.nodes.shared.issues import Mapped
from app.packages.filters import filters_in
from app.packages.issues import find_issues
from app.packages.parameters import with_defaults
from tests.packages.running import PackageEngine

COLUMNS = {
    "mappingMode": "defineBelow",
    "value": {"a": "={{ '5' }}", "b": "true", "c": "x"},
    "schema": [{"id": "a", "type": "number"}, {"id": "b", "type": "boolean"}, {"id": "c"}],
}
CONVERTED = {"attemptToConvertTypes": True}
PLACE = {"__rl": True, "mode": "url", "value": "https://example.com/things/"}
PARAMETERS = [
    ("'value', 0", {}, 1),
    ("'value', 1", {}, "x"),
    ("'value', 1", {"value": "={{ $json.n }}-{{ $itemIndex }}"}, "x-1"),
    ("'mode', 0", {}, "a"),
    ("'onlyB', 0, 'none'", {}, "none"),
    ("'onlyB', 0", {"mode": "b"}, "b!"),
    ("'onlyB', 0, 'none'", {"onlyB": "hidden"}, "none"),
    ("'place', 0", {"place": PLACE}, PLACE),
    ("'place', 0, '', { extractValue: true }", {"place": PLACE}, "things"),
    ("'place', 0, '', { extractValue: true }", {"place": {**PLACE, "mode": "id", "value": "=n{{ $json.n }}"}}, "n1"),
    ("'options', 0", {}, {}),
    ("'options', 0", {"options": {"limit": "={{ 2 + 3 }}"}}, {"limit": 5}),
    ("'options.limit', 0, 7", {}, 7),
    ("'options.limit', 0, 7", {"options": {"limit": "={{ undefined }}"}}, None),
    ("'options.flag', 0, 7, { ensureType: 'boolean' }", {"options": {"flag": "={{ 'false' }}"}}, True),
    ("'options.limit', 0, 7, { ensureType: 'string' }", {"options": {"limit": 3}}, "3"),
    ("'fields.field[1].kind', 0", {"fields": {"field": [{"name": "a"}, {"name": "=b"}]}}, "text"),
    ("'fields.field', 0", {"fields": {"field": [{"name": "={{ $json.n }}"}]}}, [{"name": 1, "kind": "text"}]),
    ("'columns.value', 0", {"columns": {**COLUMNS, **CONVERTED}}, {"a": 5, "b": True, "c": "x"}),
    ("'columns.value', 0", {"columns": {**COLUMNS, "schema": []}}, {"a": "5", "b": "true", "c": "x"}),
    ("'columns.value', 0, {}", {}, None),
    ("'value', 0, '', { rawExpressions: true }", {"value": "={{ 1 }}"}, "={{ 1 }}"),
]


def filter_of(left: str, operation: str, right: object, kind: str = "number") -> dict:
    condition = {"leftValue": left, "rightValue": right, "operator": {"type": kind, "operation": operation}}
    return {"combinator": "and", "options": {"typeValidation": "strict"}, "conditions": [condition]}


EXTRACTED = "undefined, { extractValue: true }"
ASSIGNED = {"assignments": [{"id": "1", "name": "a", "value": "={{ $json.n }}", "type": "number"}]}
PARAMETERS += [
    (f"'conditions', 0, {EXTRACTED}", {"conditions": filter_of("={{ $json.n }}", "gt", 0)}, True),
    (f"'conditions', 0, {EXTRACTED}", {"conditions": filter_of("={{ $json.n }}", "gt", "={{ $json.n }}")}, False),
    (f"'conditions', 1, {EXTRACTED}", {"conditions": filter_of("={{ $json.n }}", "regex", "^X$", "string")}, False),
    (f"'conditions', 0, {EXTRACTED}", {}, {}),
    (
        f"'rules.values[1].if', 1, {EXTRACTED}",
        {"rules": {"values": [{"if": {}}, {"if": filter_of("={{ $json.n }}", "equals", "x", "string")}]}},
        True,
    ),
    (
        f"'assignments', 0, {EXTRACTED}",
        {"assignments": ASSIGNED},
        {"assignments": [{**ASSIGNED["assignments"][0], "value": 1}]},
    ),
]


@pytest.mark.parametrize(("asked", "parameters", "given"), PARAMETERS)
def test_parameters_are_completed_and_evaluated(packages: PackageEngine, asked, parameters, given):
    code = f"return [[{{ json: {{ value: this.getNodeParameter({asked}) }} }}]]"
    [found] = packages.script(code, [{"n": 1}, {"n": "x"}], **parameters)
    assert found.get("value") == given


MAPPED = [
    ("number", "5", {}, "'f' expects a number but we got '5'"),
    ("number", "x", CONVERTED, "'f' expects a number but we got 'x'"),
    ("number", "5", CONVERTED, 5),
    ("number", 5, {}, 5),
    ("boolean", "maybe", CONVERTED, "'f' expects a boolean but we got 'maybe'"),
    ("boolean", "1", CONVERTED, True),
    ("array", {"a": 1}, CONVERTED, "'f' expects a array but we got object"),
    ("array", "[1]", CONVERTED, [1]),
    ("object", "[1]", CONVERTED, "'f' expects a object but we got '[1]'"),
    ("string", 5, {}, 5),
    ("string", 5, {**CONVERTED, "convertFieldsToString": True}, "5"),
    ("string", 5, {"convertFieldsToString": True}, "'f' expects a string but we got '5'"),
    ("options", "c", {}, "'f' expects one of the following values: [a, b] but we got 'c'"),
    ("options", "b", {}, "b"),
    ("unheardOf", "x", {}, "x"),
    ("number", "x", {"ignoreTypeMismatchErrors": True}, "'f' expects a number but we got 'x'"),
    ("number", "", CONVERTED, 0),
    ("boolean", " true ", CONVERTED, "'f' expects a boolean but we got ' true '"),
    ("boolean", "1.0", CONVERTED, True),
    ("array", "['a']", CONVERTED, ["a"]),
    ("url", "example.com", {}, "https://example.com"),
    ("url", "a b", {}, "'f' expects a url but we got 'a b'"),
    ("time", "10:30:15+02:00", {}, "10:30:15+02:00"),
    ("time", "10h", {}, "'f' expects time (hh:mm:(:ss)) but we got '10h'."),
    ("dateTime", "Feb 19, 2024", {}, "Feb 19, 2024"),
    ("dateTime", 1700000000000, {}, "'f' expects a dateTime but we got '1700000000000' <br/>"),
]


@pytest.mark.parametrize(("kind", "value", "settings", "given"), MAPPED)
def test_a_mapped_field_is_of_its_type_or_refused(packages: PackageEngine, kind, value, settings, given):
    entry = {"id": "f", "type": kind, "options": [{"value": "a"}, {"value": "b"}]}
    columns = {"mappingMode": "defineBelow", "value": {"f": "={{ $json.n }}"}, "schema": [entry], **settings}
    code = "return [[{ json: { value: this.getNodeParameter('converted.value', 1).f } }]]"
    found = packages.script(code, [{"n": None}, {"n": value}], converted=columns)
    if isinstance(given, str) and given.startswith("'f' expects "):
        assert found["message"] == "Invalid input for 'f' [item 1]"
        assert found["description"].startswith(given)
        assert (found["name"], found["context"]["nodeCause"]) == ("ExpressionError", "Node")
    else:
        assert found == [{"value": given}]


COLLECTED = "Invalid input for field '%s' inside '%s' in [item 0]"
TYPED = [
    ("'size', 0", {"size": "={{ '5' }}"}, 5),
    ("'size', 0, 7", {"size": "={{ null }}"}, None),
    ("'size', 0", {"size": "=x"}, ("Invalid input for 'The Size' [item 0]", "'size' expects a number but we got 'x'")),
    ("'size', 0, 7, { skipValidation: true }", {"size": "=x"}, "x"),
    ("'free', 0", {"free": "=x"}, "x"),
    ("'body', 0", {}, {"a": 1}),
    ("'body', 0", {"body": "{ b: 'js' }"}, {"b": "js"}),
    ("'limits', 0", {"limits": {"most": "={{ '3' }}", "site": "a.b"}}, {"most": 3, "site": "https://a.b"}),
    ("'limits.most', 0", {"limits": {"most": "={{ 'y' }}"}}, "y"),
    (
        "'limits', 0",
        {"limits": {"order": "=down"}},
        (COLLECTED % ("Order", "Limits"), "'order' expects one of the following values: [up] but we got 'down'"),
    ),
    ("'rows.row', 0", {"rows": {"row": [{"count": "={{ '3' }}"}, {"count": 4}]}}, [{"count": 3}, {"count": 4}]),
    ("'rows.row[0].count', 0", {"rows": {"row": [{"count": "=z"}]}}, "z"),
    (
        "'rows.row', 0",
        {"rows": {"row": [{"count": "=z"}]}},
        (COLLECTED % ("The Count", "Rows"), "'count' expects a number but we got 'z'"),
    ),
    ("'columns.value', 0", {"columns": {**COLUMNS, "attemptToConvertTypes": False}}, {"a": 5, "b": True, "c": "x"}),
]


@pytest.mark.parametrize(("asked", "parameters", "given"), TYPED)
def test_a_parameter_is_of_the_type_that_its_description_tells(packages: PackageEngine, asked, parameters, given):
    """As a real n8n gives them to the same node."""
    code = f"return [[{{ json: {{ value: this.getNodeParameter({asked}) }} }}]]"
    found = packages.script(code, [{"n": 1}], **parameters)
    if isinstance(given, tuple):
        assert (found["message"], found["description"]) == given
    else:
        assert found == [{"value": given} if given is not None else {}]


def test_a_field_that_holds_nothing_is_undefined_or_missed(packages: PackageEngine):
    entry = {"id": "f", "type": "string", "required": True}
    value = {"f": None, "g": None}
    columns = {"mappingMode": "defineBelow", "value": value, "schema": [entry]}
    code = "const { f, g } = this.getNodeParameter('%s.value', 0); return [[{ json: { is: [typeof f, g] } }]]"
    assert packages.script(code % "columns", columns=columns) == [{"is": ["undefined", None]}]
    missed = packages.script(code % "added", added=columns)
    assert missed["description"] == 'The value "f" is required but not set'
    assert packages.script(code % "added", added={**columns, "value": {"f": "", "g": None}}) == [
        {"is": ["string", None]}
    ]


def test_a_filter_that_cannot_compare_says_why_at_its_item(packages: PackageEngine):
    code = """return [this.getInputData().map((_, item) => {
      try { return { json: { met: this.getNodeParameter('conditions', item, false, { extractValue: true }) } } }
      catch (error) { return { json: { failed: error.message } } }
    })]"""
    first, second = packages.script(code, [{"n": 1}, {"n": "x"}], conditions=filter_of("={{ $json.n }}", "gt", 0))
    assert first == {"met": True}
    assert second == {"failed": "Wrong type: 'x' is a string but was expecting a number [condition 0, item 1]"}


def test_an_expression_that_fails_fails_where_it_is_asked_for(packages: PackageEngine):
    code = """return [this.getInputData().map((_, item) => {
      try { return { json: { value: this.getNodeParameter('value', item) } } }
      catch (error) { return { json: { failed: error.message } } }
    })]"""
    value = "={{ $json.n === 2 ? $('Nobody').item : $json.n }}"
    first, second, third = packages.script(code, [{"n": 1}, {"n": 2}, {"n": 3}], value=value)
    assert (first, third) == ({"value": 1}, {"value": 3})
    assert second == {"failed": "Referenced node doesn't exist"}
    assert packages.script("return [[{ json: { fine: true } }]]", value="={{ $json. }}") == [{"fine": True}]


CONDITIONS = [
    ({"gt": 6}, "12", True),
    ({"gt": 6}, "x", False),
    ({"gte": "b"}, "c", True),
    ({"lt": 6}, True, True),
    ({"lte": 0}, None, True),
    ({"between": {"from": 2, "to": 12}}, "12", True),
    ({"between": {"from": 2}}, 5, False),
]


@pytest.mark.parametrize(("condition", "value", "shown"), CONDITIONS)
def test_conditions_compare_as_javascript_does(condition, value, shown):
    """The process of the package decides the same by itself."""
    described = [
        {"name": "n", "type": "number", "default": None},
        {"name": "more", "type": "string", "default": "d", "displayOptions": {"show": {"n": [{"_cnd": condition}]}}},
    ]
    assert ("more" in with_defaults(described, {"n": value}, 1)) is shown


FIELDS = [
    {"id": "n", "type": "number", "required": True},
    {"id": "d", "type": "dateTime"},
    {"id": "o", "type": "options"},
]
MAPPERS = [
    ({"value": {"n": "12", "o": ""}, "schema": FIELDS}, []),
    ({"value": {"n": "twelve"}, "schema": FIELDS}, ["'n' expects a number but we got 'twelve'"]),
    ({"value": {"n": "={{ 5 }}"}, "schema": FIELDS}, []),
    ({"value": None, "schema": FIELDS}, ['Column "n" is required']),
    ({"mappingMode": "autoMapInputData", "value": None, "schema": FIELDS}, []),
    ({"value": 5, "schema": [None, 5, {}, {"id": 5}]}, []),
    ({"value": {}, "schema": {"id": "n"}}, []),
    ("text", []),
]


@pytest.mark.parametrize(("mapping", "issues"), MAPPERS)
def test_mapped_fields_are_looked_at_before_the_run(mapping, issues):
    mapper = {"mode": "add", "fieldWords": {"singular": "column"}}
    described = {
        "name": "columns",
        "displayName": "Columns",
        "type": "resourceMapper",
        "typeOptions": {"resourceMapper": mapper},
    }
    found = find_issues([described], {"columns": mapping}, 1)
    assert [issue.message for issue in found] == issues
    assert [issue.message for issue in Mapped("columns", "Column").find({"columns": mapping})] == issues


@pytest.mark.parametrize(
    "options", [None, {}, "x", [None, 5, {}, {"name": 5}, {"name": "a"}, {"name": "a", "values": [None]}]]
)
@pytest.mark.parametrize("kind", ["fixedCollection", "collection"])
def test_entries_that_describe_nothing_are_passed_over(options, kind):
    described = [None, "x", {"name": "field", "type": kind, "default": {}, "options": options}]
    given = {"field": {"a": [{"b": 1}]}}
    assert with_defaults(described, given, 1)["field"].keys() <= {"a"}
    assert list(filters_in(described, given, ())) == []
