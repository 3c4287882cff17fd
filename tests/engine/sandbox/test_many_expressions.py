"""Many expressions for many items in one call: which are evaluated, and what each gives."""

import hashlib

import orjson

from app import json_strings
from tests.engine.sandbox.scopes import ADA, BOB, scope


def test_one_bad_value_does_not_take_its_neighbours_along(engine):
    templates = ["={{ [10n] }}", "={{ $json.n }}", "={{ 10n }}"]
    assert engine.wait_for(engine.sandbox.evaluate(templates, scope(ADA, BOB))) == [
        [["10"], 7, "10"],
        [["10"], 12, "10"],
    ]


def test_only_the_items_asked_for_are_evaluated(engine):
    given = {**scope(ADA, BOB, ADA), "itemIndexes": [2, 1]}
    assert engine.wait_for(engine.sandbox.evaluate(["={{ $itemIndex + ':' + $json.n }}"], given)) == [["2:7"], ["1:12"]]


def test_the_same_texts_in_many_items_are_answered_alike(engine):
    names = [f"ada {index % 40 if index < 2_000 else index % 1_500}" for index in range(3_000)] + ["x" * 300, "x" * 300]
    digests = ["={{ $json.name.hash('md5') }}", "={{ $json.name.hash('sha1') }}", "={{ $json.name.toTitleCase() }}"]
    given = scope(*({"name": name} for name in names))
    md5, sha1, titles = zip(*engine.wait_for(engine.sandbox.evaluate(digests, given)), strict=True)
    assert list(md5) == [hashlib.md5(name.encode()).hexdigest() for name in names]
    assert list(sha1) == [hashlib.sha1(name.encode()).hexdigest() for name in names]
    assert list(titles) == [name.capitalize() for name in names]


def test_custom_data_reaches_the_caller(engine):
    given = scope(customData={"a": "1"})
    template = "={{ $execution.customData.set('b', 2) }}{{ $execution.customData.get('a') }}"
    assert engine.wait_for(engine.sandbox.evaluate([template], given)) == [["1"]]
    assert given["customData"] == {"a": "1", "b": "2"}


def test_what_an_expression_changes_no_other_one_sees(engine):
    templates = [
        "={{ $json.tags.sort() }}",
        "={{ $json.tags }}",
        "={{ ($json.n = 100, $json.n) }}",
        "={{ delete $json.n && $json.n }}",
        "={{ $input.all().reverse().push(1) && $('Start').all()[0].json.tags.push(1) }}",
        "={{ [$json.n, $('Start').first().json.tags] }}",
    ]
    row = engine.wait_for(engine.sandbox.evaluate(templates, scope()))[0]
    assert row == [["a", "b"], ["b", "a"], 100, None, 3, [7, ["b", "a"]]]


def test_more_templates_than_the_cache_holds(engine):
    templates = [f"={{{{ $json.n + {number} }}}}" for number in range(6000)]
    for begin in range(0, 6000, 1000):  # each has a moment for its answer, also beside busy programs
        given = engine.wait_for(engine.sandbox.evaluate(templates[begin : begin + 1000], scope()))
        assert given == [[7 + number for number in range(begin, begin + 1000)]]
    assert engine.wait_for(engine.sandbox.evaluate(templates[:2], scope())) == [[7, 8]]


def test_what_is_long_is_written_part_by_part(engine, monkeypatch):
    """One call that writes JSON holds the worker's loop, in whatever thread it is."""
    written, dumps = [], orjson.dumps

    def note(*given, **more):
        made = dumps(*given, **more)
        written.append(len(made))
        return made

    monkeypatch.setattr(orjson, "dumps", note)
    monkeypatch.setattr(json_strings, "PART_BYTES", 2**18)
    text = "x" * 2**20 + "y"
    template = "={{ $json.name.length + ($vars.text ?? '').length }}"
    for given in (scope({"name": text}), scope({"name": ""}, vars={"text": text})):
        assert engine.wait_for(engine.sandbox.evaluate([template], given)) == [[len(text)]]
    assert max(written) < 2**18
