"""The words for what an execution is are the same in Python, in the schema and in each statement."""

import importlib
import pkgutil
import re

import pytest

from app import repository, vocabulary
from app.vocabulary import ENDED, FAILED, IN_FLIGHT, MODES, STATUSES, VOTES

CONSTRAINT = """
    SELECT pg_get_constraintdef(c.oid)
      FROM pg_constraint AS c
     WHERE c.conrelid = 'executions'::regclass AND c.conname = %s AND c.convalidated
"""
INDEX = "SELECT pg_get_indexdef('executions_in_flight'::regclass)"
WORDS = re.compile(r"'(\w+)'::text")
LISTED = re.compile(r"\bstatus (?:NOT )?IN \(([^)]*)\)")


@pytest.mark.parametrize(
    ("constraint", "words"),
    [
        ("executions_status", STATUSES),
        ("executions_ended_has_stopped_at", ENDED),
        ("executions_mode", MODES),
        ("executions_vote", VOTES),
    ],
)
def test_the_schema_takes_these_words_and_no_other(connection, constraint, words):
    [definition] = connection.execute(CONSTRAINT, [constraint]).fetchone()
    assert sorted(WORDS.findall(definition)) == sorted(words)


def test_the_index_of_what_is_in_flight_holds_these_statuses(connection):
    [definition] = connection.execute(INDEX).fetchone()
    assert sorted(WORDS.findall(definition)) == sorted(IN_FLIGHT)


def test_each_list_of_statuses_in_a_statement_is_a_known_one():
    found = set()
    for module in pkgutil.walk_packages(repository.__path__, "app.repository."):
        for value in vars(importlib.import_module(module.name)).values():
            text = value if isinstance(value, str) else getattr(value, "_obj", "")
            found |= {tuple(re.findall(r"\w+", words)) for words in LISTED.findall(str(text))}
    assert found == {IN_FLIGHT, ENDED, FAILED}


def test_no_word_stands_twice():
    for words in (STATUSES, MODES, VOTES):
        assert len(set(words)) == len(words)
    assert (*IN_FLIGHT, *ENDED) == vocabulary.STATUSES
