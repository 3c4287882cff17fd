"""Options of `flask import n8n`: every pair of them is taken, or refused with a sentence that names one of both."""

from itertools import combinations

import pytest

from app.import_commands import import_n8n
from app.importing.n8n.contradictions import CONTRADICTORY, find_contradiction

SOURCES = ("postgresql://n8n", "database.sqlite", "https://n8n.example.com", "export.zip")
NAMES = {each.name for each in import_n8n.params} - {"source"}

# Each option and those that it does not go with, at a source in PostgreSQL.
REFUSED = {
    "dry_run": {"rehearse", "follow", "activate", "remove_demo"},
    "rehearse": {"follow", "activate", "remove_demo", "no_executions", "api_keys", "keep_projects", "project"},
    "follow": {"activate"},
    "every": NAMES - {"follow", "every"},
    "api_key_file": NAMES - {"api_key_file"},
}


def test_each_pair_of_options_is_taken_or_refused_with_a_sentence():
    for pair in combinations(sorted(NAMES), 2):
        first, second = pair
        said = find_contradiction(set(pair), SOURCES[0])
        refused = second in REFUSED.get(first, ()) or first in REFUSED.get(second, ())
        assert (said is not None) == refused, (pair, said)
        if said is not None:
            assert any(f"--{name.replace('_', '-')}" in said for name in pair), (pair, said)


@pytest.mark.parametrize(
    ("name", "taken"), [("schema", SOURCES[:1]), ("table_prefix", SOURCES[:2]), ("api_key_file", SOURCES[2:3])]
)
def test_options_of_one_kind_of_source_are_refused_at_the_others(name, taken):
    assert tuple(each for each in SOURCES[:3] if find_contradiction({name}, each) is None) == taken


def test_a_default_counts_as_not_given(flask, sqlite_file):
    first, second = next(iter(CONTRADICTORY))
    told = flask("import", "n8n", str(sqlite_file), "--dry-run", "--rehearse", "3")
    assert (first, second) == ("dry_run", "rehearse")
    assert (told.returncode, CONTRADICTORY[first, second] in told.stderr) == (2, True)
    assert "Nothing was written" in flask("import", "n8n", str(sqlite_file), "--dry-run").stdout
