"""Items as tables, JSON, schemas and files."""

from app.console import items
from app.console.items import Cell, contains, files, schema, table, texts
from app.console.stored_values import TOO_DEEP, read_values

ITEMS = [
    {"json": {"name": "Ada", "age": 36, "tags": ["a", {"deep": True}]}},
    {"json": {"name": None, "more": {"x": 1.5}}, "binary": {"data": {"fileName": "a.png", "mimeType": "image/png"}}},
    {"json": "text"},
]


def test_a_table_has_all_columns_and_tells_what_is_missing():
    made = table(ITEMS, [10, 11, 12])
    assert made.columns == ["name", "age", "tags", "more", "value"]
    assert [number for number, _ in made.rows] == [10, 11, 12]
    assert [cell and cell.kind for cell in made.rows[0][1]] == ["text", "number", "list", None, None]
    assert made.rows[1][1][0].kind == "null"
    assert table([{"json": {str(n): n for n in range(100)}}], [0]).left_out == 60
    assert table([{"json": {"long": "x" * 1000}}], [0]).rows[0][1][0].cut


def test_a_schema_tells_each_place_with_its_kinds():
    fields = [(field.depth, field.name, field.kinds) for field in schema(ITEMS[:2])]
    assert fields == [
        (0, "name", "text or null"),
        (0, "age", "number"),
        (0, "tags", "list"),
        (1, "[ ]", "text or object"),
        (2, "deep", "boolean"),
        (0, "more", "object"),
        (1, "x", "number"),
    ]


def test_of_very_many_fields_the_first_are_told_with_all_their_kinds(monkeypatch):
    looked_at = []
    monkeypatch.setattr(items, "cell", lambda value: looked_at.append(value) or Cell(str(value), "number"))
    many = {f"key{number}": number for number in range(10_000)}
    fields = schema([{"json": many}, {"json": {"new": 1, "key0": "text"}}])
    assert [field.name for field in fields] == [f"key{number}" for number in range(items.MAX_FIELDS)]
    assert fields[0].kinds == "number or text"
    assert len(looked_at) == items.MAX_FIELDS + 1  # the others cost no more than a look at their name


def test_json_is_cut_and_files_are_listed():
    assert texts([{"json": {"a": "x" * 60_000}}], [3])[0][::2] == (3, True)
    assert [(file.item, file.name, file.file_name) for file in files(ITEMS, [0, 1, 2])] == [(1, "data", "a.png")]
    assert contains(ITEMS[0], "ADA")
    assert not contains(ITEMS[0], "Grace")


def test_the_name_of_a_file_cannot_pretend_to_end_otherwise():
    item = {"json": {}, "binary": {"data": {"fileName": "\u202egnp.html", "mimeType": "text/html"}}}
    assert [file.file_name for file in files([item], [0])] == ["_gnp.html"]


ODD = b'"big":12345678901234567890123456789,"less":-0,"inf":1e400,"half":5E-1,"t":1,"t":{"u":2,"u":2}'
NESTED = b'{"a":' * 9_000 + b"1" + b"}" * 9_000


def test_what_no_parser_keeps_is_shown_as_it_is_stored():
    """Numbers of any length, and names that are there twice; what is nested deeply is cut."""
    items_read = read_values(b'[{"json":{%s}},{"json":{"n":1.5}},{"json":{"deep":%s}}]' % (ODD, NESTED))
    first, second, deep = texts(items_read, [0, 1, 2])
    assert "".join(first[1].split()).encode() == b"{%s}" % ODD
    assert second[1:] == ('{\n  "n": 1.5\n}', False)
    assert deep[2]
    assert TOO_DEEP in deep[1]
    made = table(items_read[:1], [0])
    cells = dict(zip(made.columns, made.rows[0][1], strict=True))
    assert [cells[name] for name in ("big", "inf", "t")] == [
        Cell("12345678901234567890123456789", "number"),
        Cell("1e400", "number"),
        Cell('{"u":2,"u":2}', "object"),
    ]
    assert {field.kinds for field in schema(items_read[:1])} == {"number", "number or object"}
    assert contains(items_read[0], "90123456789")
    assert contains(items_read[2], "deep")


def test_items_that_parsers_refuse_are_shown_with_a_word_of_what_is_left_out(browser, api, workflow):
    odd = rb'{"json":{"half":"\ud800","deep":%s}},{"json":{"n":2}}' % NESTED
    given = b'[{"data":{"main":[[%s]]},"source":[]}]' % odd
    source = b'[{"data":{"main":[[]]},"source":[{"previousNode":"Start"}]}]'
    data = b'{"resultData":{"runData":{"Start":%s,"Nothing":%s}}}' % (given, source)
    place = f"/console/executions/{api.ended(workflow, data=data)}"
    for view in ("table", "json", "schema"):
        page = browser.get(f"{place}/items?node=Start&view={view}").text
        assert "Half of a surrogate pair is shown as \ufffd here" in page
    assert "nested too deeply" in browser.get(f"{place}/items?node=Start&view=json").text
    panel = browser.get(f"{place}/node?node=Nothing").text
    assert "it stays as it was" in panel  # what is edited would lose both
    assert odd in api.get(f"/executions/{place.rsplit('/', 1)[1]}/data?node=Start").data  # as it is stored
