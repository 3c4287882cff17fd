"""Which executions are meant: the filters that list, count, stopMany, retryMany and delete share."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from psycopg import sql

from app.filters import FILTERS
from app.repository.error_search import SHOWS, Search, search_for
from app.vocabulary import MODES


@dataclass(frozen=True, slots=True)
class ExecutionFilter:
    """Conditions that all must hold; a tuple means any of its values, empty means no condition.

    `visible_project` is what the caller's key is limited to, None when it may see everything.
    `metadata_value` counts only together with `metadata_key`. `error`: words of the message.
    """

    ids: tuple[int, ...] = ()
    statuses: tuple[str, ...] = ()
    workflow_ids: tuple[str, ...] = ()
    project_ids: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    retry_of: tuple[int, ...] = ()
    problem_ids: tuple[int, ...] = ()
    touched_by: tuple[int, ...] = ()
    tags: tuple[str, ...] = ()
    votes: tuple[str, ...] = ()
    started_after: datetime | None = None
    started_before: datetime | None = None
    error: str | None = None
    metadata_key: str | None = None
    metadata_value: str | None = None
    visible_project: str | None = None

    def condition(
        self, *, before: int | None = None, bounded: bool = True, by_words: bool = True
    ) -> tuple[sql.Composable, dict[str, Any]]:
        """The condition on `executions AS e` and its parameters; `before` keeps ids below it (the keyset).

        Not `bounded`: for an estimate, or without what only says the same again for an index. Not `by_words`: other
        conditions find the executions, and those on words are not looked up in their index.
        """
        clauses: list[sql.Composable] = []
        parameters: dict[str, Any] = {}

        def add(clause: sql.Composable, **values: Any) -> None:
            clauses.append(clause)
            parameters.update(values)

        for column, name, values in self._columns():
            if values:
                clause = EQUALS if len(values) == 1 else ANY_OF
                value = values[0] if len(values) == 1 else list(values)
                add(clause.format(column=sql.Identifier("e", column), value=sql.Placeholder(name)), **{name: value})
        if bounded and self.statuses and not self.modes:
            add(ANY_MODE, every_mode=list(MODES))
        if bounded:
            clauses += self.id_bounds(sql.Identifier("e", "id"), before)
        for name, values_by_name in self._beside_columns():
            add(CLAUSES[name], **values_by_name)
        if self.error is not None:
            if by_words and not self.is_annotated:
                search = self.error_search()
                add(search.matches if bounded else search.is_among, **search.parameters)
            else:
                add(SHOWS, error=self.error)
        return sql.SQL(" AND ").join(clauses or [sql.SQL("true")]), parameters

    def id_bounds(self, own_id: sql.Identifier, before: int | None = None) -> list[sql.Composable]:
        """What must hold of the ids of all that can match; they use the parameters of the times.

        Ids grow with the time of creation, so a time is also a bound on ids, found by some twenty looks at the
        primary key (the functions in sql/0004.lists.sql).
        """
        highest: list[sql.Composable] = [] if before is None else [sql.Literal(before)]
        if self.started_before is not None:
            highest.append(FIRST_FROM)
        bounds: list[sql.Composable] = []
        if highest:
            bounds.append(BELOW.format(id=own_id, high=sql.SQL(", ").join(highest)))
        if self.started_after is not None:
            bounds.append(FROM.format(id=own_id, low=FIRST_AFTER))
        return bounds

    def seen_projects(self) -> tuple[str, ...] | None:
        """The projects that are asked for and visible; None: every project."""
        if self.visible_project is None:
            return self.project_ids or None
        return tuple(p for p in self.project_ids or (self.visible_project,) if p == self.visible_project)

    @property
    def is_annotated(self) -> bool:
        """Whether it names ids, a retry's original, a call, tags, votes or custom data, which few executions have."""
        named = self.ids or self.retry_of or self.touched_by or self.tags or self.votes
        return bool(named or self.metadata_key is not None)

    @property
    def is_found_by_words(self) -> bool:
        """Whether the index of words knows all that it asks for."""
        return self.error is not None and not (self.is_annotated or self.started_after or self.started_before)

    def error_search(self) -> Search:
        """How its words are looked for among what its other conditions leave."""
        among: dict[str, Sequence[str | int]] = {
            "w": self.workflow_ids,
            "p": self.seen_projects() or (),
            "m": self.modes,
            "s": self.statuses,
            "g": self.problem_ids,
        }
        return search_for(self.error or "", among)

    def without(self, columns: Container[str]) -> "ExecutionFilter":
        """The same without the conditions on these columns, and what lies beside (tag_id, key, call_id)."""
        left: dict[str, Any] = {
            each.attribute: () if each.repeatable else None for each in FILTERS if each.column in columns
        }
        return replace(self, **left, visible_project=None if "project_id" in columns else self.visible_project)

    def _columns(self) -> Iterator[tuple[str, str, tuple[Any, ...]]]:
        """Column, parameter and wanted values of each condition on a column of `executions`."""
        yield "project_id", "visible_project", () if self.visible_project is None else (self.visible_project,)
        for each in FILTERS:
            if each.column is not None and each.table == "executions":
                yield each.column, each.attribute, getattr(self, each.attribute)

    def _beside_columns(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Name and parameters of each other condition that is given."""
        for each in FILTERS:
            value = getattr(self, each.attribute)
            if value in ((), None) or each.attribute == "error":
                continue
            if each.column is not None and each.table == "executions":
                continue
            if each.attribute == "tags" and self.problem_ids:
                yield "tagged_problems", {"tags": list(value), "tagged_problems": list(self.problem_ids)}
            elif each.attribute == "metadata_value":
                if self.metadata_key is not None:
                    yield each.attribute, {"metadata_key": self.metadata_key, "metadata_value": value}
            elif each.attribute != "metadata_key" or self.metadata_value is None:
                yield each.attribute, {each.attribute: list(value) if each.repeatable else value}


EQUALS = sql.SQL("{column} = {value}")
ANY_OF = sql.SQL("{column} = ANY({value})")
# Says nothing, but lets an index use the status behind the mode.
ANY_MODE = sql.SQL("e.mode = ANY(%(every_mode)s)")

STARTED_AFTER = sql.SQL("e.started_at > %(started_after)s")
STARTED_BEFORE = sql.SQL("e.started_at < %(started_before)s")
FIRST_AFTER = sql.SQL("(SELECT first_execution_started_after(%(started_after)s))")
FIRST_FROM = sql.SQL("(SELECT first_execution_created_from(%(started_before)s))")
# The planner knows nothing of either bound beforehand. One it takes for a third of the table. Two it would take for a
# two-hundredth, and read the primary key for it; written as a row, the lower one does not look like the other half.
BELOW = sql.SQL("{id} < least({high})")
FROM = sql.SQL("({id}, 0) >= ({low}, 0)")
TAGGED = sql.SQL("""e.id IN (
    SELECT et.execution_id FROM execution_tags AS et WHERE et.tag_id = ANY(%(tags)s))""")
# Says nothing more of the executions: what of a problem carries a tag is found in one index.
TAGGED_OF_PROBLEMS = sql.SQL("""e.id IN (
    SELECT et.execution_id FROM execution_tags AS et
     WHERE et.tag_id = ANY(%(tags)s) AND et.problem_id = ANY(%(tagged_problems)s))""")
TOUCHED = sql.SQL("""e.id IN (
    SELECT bc.execution_id FROM bulk_call_executions AS bc WHERE bc.call_id = ANY(%(touched_by)s))""")
HAS_METADATA_KEY = sql.SQL("""e.id IN (
    SELECT em.execution_id FROM execution_metadata AS em WHERE em.key = %(metadata_key)s)""")
HAS_METADATA = sql.SQL("""e.id IN (
    SELECT em.execution_id FROM execution_metadata AS em
     WHERE em.key = %(metadata_key)s AND md5(em.value) = md5(%(metadata_value)s) AND em.value = %(metadata_value)s)""")
CLAUSES = {
    "started_after": STARTED_AFTER,
    "started_before": STARTED_BEFORE,
    "tags": TAGGED,
    "touched_by": TOUCHED,
    "tagged_problems": TAGGED_OF_PROBLEMS,
    "metadata_key": HAS_METADATA_KEY,
    "metadata_value": HAS_METADATA,
}
"""The conditions of the filters that are no column of `executions`; each finds its own values under their names."""


def filter_of(document: dict[str, Any]) -> ExecutionFilter:
    """The filter that was stored as JSON, by orjson from `asdict`."""
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in document.items()
    }
    times = {each.attribute for each in FILTERS if each.kind == "time"}
    read = {name: datetime.fromisoformat(given[name]) for name in times if given.get(name) is not None}
    return ExecutionFilter(**given | read)
