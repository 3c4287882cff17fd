"""The libraries that nodes of ours run in the sandbox are found, whole, and confined."""

import pytest

from app.engine.sandbox import bundles
from tests.engine.running import output_of
from tests.workflows import START, chain, node


@pytest.mark.parametrize(
    "path",
    [
        "showdown/dist/showdown.js",
        "node-html-markdown/dist/index.js",
        "xml2js/lib/xml2js.js",
        "cheerio/dist/commonjs/load-parse.js",
        "html-to-text/lib/html-to-text.cjs",
        "rss-parser/index.js",
    ],
)
def test_nothing_that_a_library_requires_is_missing(path: str) -> None:
    bundler = bundles.Bundler()
    bundler.add((bundles.MODULES / path).resolve())
    for file in bundler.files:
        for _, name in bundles._REQUIRE.findall(file.read_text()):
            known = name.removeprefix("node:") in bundles.EMPTY or bundles.resolve(name, file.parent) is not None
            assert known or name in OPTIONAL, f"{file.name} requires {name}"


OPTIONAL = {"yargs", "fs"}
"""What only a library's command line needs."""


VALUES = {"values": [{"key": "text", "cssSelector": "body"}]}
QUOTED = {"mode": "markdownToHtml", "markdown": "={{ $json.data }}"}
EXTRACTED = {"operation": "extractHtmlContent", "dataPropertyName": "data", "extractionValues": VALUES}


def test_a_thousand_items_take_one_run_of_the_library(engine, monkeypatch) -> None:
    xml = node("Read", "xml", {"options": {}})
    items = [{"json": {"data": f"<r><n>{n}</n></r>"}} for n in range(1000)]
    runs = []
    run_code = engine.sandbox.run_code

    async def counted(*arguments, **options):
        runs.append(arguments)
        return await run_code(*arguments, **options)

    monkeypatch.setattr(engine.sandbox, "run_code", counted)
    outcome = engine.run(chain(START, xml), items=items)
    assert output_of(outcome, "Read")[999] == {"r": {"n": "999"}}
    assert len(runs) == 1


def test_entities_that_grow_end_with_the_node(engine) -> None:
    bomb = "<!DOCTYPE r [" + "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(9)) + "]><r>&e9;</r>"
    outcome = engine.run(chain(START, node("Read", "xml", {"options": {}})), items=[{"json": {"data": bomb}}])
    assert outcome.status == "error"
    assert outcome.error.node == "Read"


@pytest.mark.parametrize(
    ("kind", "version", "parameters", "text", "said"),
    [
        ("html", 1.2, EXTRACTED, "<div>" * 50_000, "The HTML is nested in more than 2000 levels"),
        ("html", 1.2, EXTRACTED, "<table><td>" * 50_000, "The HTML is nested in more than 2000 levels"),
        ("markdown", 1, QUOTED, ">" * 50_000, "What was given is nested too deeply"),
        (
            "xml",
            1,
            {},
            "<a>" * 9_000 + "</a>" * 9_000,
            "The JavaScript gave a value that is nested too deeply to be kept",
        ),
    ],
    ids=["elements", "tables", "quotes", "xml"],
)
def test_what_is_nested_too_deeply_is_said_to_be(engine, kind, version, parameters, text, said) -> None:
    read = node("Read", kind, parameters, version)
    outcome = engine.run(chain(START, read), items=[{"json": {"data": text}}])
    assert (outcome.status, outcome.error.message) == ("error", said)
