"""Which nodes' data a template or program needs."""

import pytest

from app.engine.sandbox import referenced_nodes


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("={{ $json.x }}", set()),
        ("no dollar", set()),
        ("={{ $('A').item.json.x + $(\"B c\").first() + $(`D`).all() }}", {"A", "B c", "D"}),
        ("={{ $node['A'].json.x + $node[\"B\"].json + $node.C.json }}", {"A", "B", "C"}),
        ("={{ $items('A', 0).length + $items().length }}", {"A"}),
        ("={{ $( 'It\\'s \\u0041' ).first() }}", {"It's A"}),
        ('={{ $("\\ud83e\\udd94").first() + $("\\u{1f994} \\ud83e") }}', {"\U0001f994", "\U0001f994 \ud83e"}),
        ('={{ $("\\u{110000}A").first() }}', {"A"}),
        ("={{ $nodeVersion }} costs $5 and $(", None),
        ("={{ $($json.name).first() }}", None),
        ("={{ $('A' + 'B').first() }}", None),
        ("={{ $node[$json.name].json }}", None),
        ("={{ Object.keys($node) }}", None),
        ("={{ $item(0).$node['A'].json }}", None),
        ("const get = globalThis['$']; get('A')", None),
        ("const all = $\n('A').all()", {"A"}),
    ],
)
def test_referenced_nodes(text, names):
    assert referenced_nodes(text) == names


def test_an_alias_of_the_function_could_mean_any_node():
    assert referenced_nodes("const f = $; return f('A').all()") is None
