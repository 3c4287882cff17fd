"""Executions by words of their error's message, from an index of failed ones alone (sql/0060.failure_words.sql).

The index finds what has a term, in no order. Its terms are the words, marks of what else a list is filtered by, and
marks of blocks of ids, so that the newest that match are found block by block. What was not added to it yet is little,
and all of it is looked at.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import md5

from psycopg import sql

HASHED = "wp"  # kinds whose values are too long, or may hold anything
QUERY = sql.SQL("error_query(%(error)s)")
QUERY_AMONG = sql.SQL("(error_query(%(error)s) && %(error_among)s::tsquery)")
# To take a message apart takes many times as long as to see that it lacks a word, as almost all do.
SHOWS = sql.SQL("""
    (array_to_tsvector(
         CASE WHEN lower(left(e.error_message, 2000))
                   LIKE ALL (ARRAY(SELECT '%%' || word || '%%' FROM unnest(error_words(%(error)s)) AS word))
              THEN error_words(left(e.error_message, 2000)) END) @@ error_query(%(error)s)) IS TRUE""")
NOT_INDEXED = sql.SQL("""
    SELECT f.execution_id FROM execution_failures AS f
     UNION ALL
    SELECT unnest(t.ids) FROM failures_to_index AS t""")
MAY_SHOW = sql.SQL("""
    SELECT unnest(w.ids) FROM failure_words AS w WHERE w.terms @@ {query}
     UNION ALL {not_indexed}""")
MATCHES = sql.SQL("e.id = ANY(ARRAY({may_show})) AND {shows}")
# For the planner, which tells how many that are, more or less; some of them may show only some of the words.
IS_AMONG = sql.SQL("e.id IN ({may_show})")

# How many failures may have the words, as far as they are indexed; messages are not looked at.
NUMBER_INDEXED = sql.SQL("""
    SELECT coalesce(sum(cardinality(found.ids)), 0)::bigint
      FROM (SELECT w.ids FROM failure_words AS w WHERE w.terms @@ {query} LIMIT 10000) AS found
""")

# The nested loop goes through the blocks in their order and ends with the LIMIT.
PAGE_OF_BLOCKS = sql.SQL("""
    SELECT {columns}
      FROM (SELECT found.id
              FROM ((SELECT e.id
                       FROM executions AS e
                      WHERE e.id = ANY(ARRAY({not_indexed})) AND {shows} AND {condition}
                      ORDER BY e.id DESC
                      LIMIT {limit})
                     UNION
                    (SELECT indexed.id
                       FROM generate_series(least({highest}) >> 14, greatest({lowest}) >> 14, -1) AS block (number)
                      CROSS JOIN LATERAL (
                            SELECT e.id
                              FROM executions AS e
                             WHERE e.id = ANY(ARRAY(
                                       SELECT unnest(w.ids)
                                         FROM failure_words AS w
                                        WHERE w.terms @@ ({query} && ('''#' || block.number || '''')::tsquery)))
                               AND {shows} AND {condition}
                             ORDER BY e.id DESC
                             LIMIT {limit}) AS indexed
                      LIMIT {limit})) AS found
             ORDER BY found.id DESC
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

    @property
    def number_indexed(self) -> sql.Composed:
        """The statement for how many are indexed that may show the words: all that do, and mostly few others."""
        return NUMBER_INDEXED.format(query=self.query)

    @property
    def may_show(self) -> sql.Composed:
        """The statement for ids of executions, among which are those of all that it looks for."""
        return MAY_SHOW.format(query=self.query, not_indexed=NOT_INDEXED)

    @property
    def matches(self) -> sql.Composed:
        """The condition on `executions AS e`."""
        return MATCHES.format(may_show=self.may_show, shows=SHOWS)

    @property
    def is_among(self) -> sql.Composed:
        """A condition that holds for a few others as well, and whose number the planner can estimate."""
        return IS_AMONG.format(may_show=self.may_show)


def search_for(words: str, among: Mapping[str, Sequence[str | int]]) -> Search:
    """The search for all of these words among executions with any of the values of each kind; of none: any value.

    Kinds are w(orkflow), p(roject), m(ode), s(tatus) and g(roup: its problem), as failure_words has them.
    """
    marks = [f"({' | '.join(marks_of(kind, values))})" for kind, values in among.items() if values]
    if not marks:
        return Search(QUERY, {"error": words})
    return Search(QUERY_AMONG, {"error": words, "error_among": " & ".join(marks)})


def marks_of(kind: str, values: Sequence[str | int]) -> Iterator[str]:
    """The terms by which failure_words marks executions with one of these values."""
    for value in values:
        word = md5(str(value).encode("utf-8", "surrogatepass")).hexdigest()[:16] if kind in HASHED else value
        yield f"'{kind}:{word}'"
