"""Executions by words of their error's message, from an index of failed ones alone (sql/0034.error_search.sql).

The index finds what has a term, in no order. Its terms are the words, marks of what else a list is filtered by, and
marks of blocks of ids, so that the newest that match are found block by block.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import md5

from psycopg import sql

HASHED = "wp"  # kinds whose values are too long, or may hold anything
FAILED = sql.SQL("e.error_message IS NOT NULL")
TERMS = sql.SQL("error_terms(e.id, e.workflow_id, e.project_id, e.mode, e.status, e.error_message)")
QUERY = sql.SQL("error_query(%(error)s)")
QUERY_AMONG = sql.SQL("(error_query(%(error)s) && %(error_among)s::tsquery)")
MATCHES = sql.SQL("{failed} AND {terms} @@ {query}")
# For what other conditions have found already: the index is not used for it.
SHOWS = sql.SQL("({terms} @@ {query}) IS TRUE")

# The nested loop goes through the blocks in their order and ends with the LIMIT. (+ 0: or the newest are looked for
# along the primary key.)
PAGE_OF_BLOCKS = sql.SQL("""
    SELECT {columns}
      FROM (SELECT found.id
              FROM generate_series(least({highest}) >> 14, greatest({lowest}) >> 14, -1) AS block (number)
             CROSS JOIN LATERAL (
                   SELECT e.id
                     FROM executions AS e
                    WHERE {failed}
                      AND {terms} @@ ({query} && ('''#' || block.number || '''')::tsquery)
                      AND {condition}
                    ORDER BY e.id + 0 DESC
                    LIMIT {limit}) AS found
             LIMIT {limit}) AS page
      JOIN executions AS e ON e.id = page.id
      JOIN workflow_versions AS v ON v.id = e.workflow_version_id
     ORDER BY e.id DESC
""")
HIGHEST = sql.SQL("(SELECT max(e.id) FROM executions AS e)")
LOWEST = sql.SQL("(SELECT min(e.id) FROM executions AS e)")


@dataclass(frozen=True, slots=True)
class Search:
    """A tsquery, and its parameters."""

    query: sql.SQL
    parameters: dict[str, str]


def search_for(words: str, among: Mapping[str, Sequence[str]]) -> Search:
    """The search for all of these words among executions with any of the values of each kind; of none: any value.

    Kinds are w(orkflow), p(roject), m(ode) and s(tatus), as error_terms spells them.
    """
    marks = [f"({' | '.join(marks_of(kind, values))})" for kind, values in among.items() if values]
    if not marks:
        return Search(QUERY, {"error": words})
    return Search(QUERY_AMONG, {"error": words, "error_among": " & ".join(marks)})


def marks_of(kind: str, values: Sequence[str]) -> Iterator[str]:
    """The terms by which error_terms (SQL) marks an execution with one of these values."""
    for value in values:
        word = md5(value.encode("utf-8", "surrogatepass")).hexdigest()[:16] if kind in HASHED else value
        yield f"'{kind}:{word}'"
