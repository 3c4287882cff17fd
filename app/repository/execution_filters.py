"""Which executions are meant: the filters that list, count, stopMany, retryMany and delete share."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql


@dataclass(frozen=True, slots=True)
class ExecutionFilter:
    """Conditions that all must hold; a tuple means any of its values, empty means no condition.

    `visible_project` is what the caller's key is limited to, None when it may see everything.
    `metadata_value` counts only together with `metadata_key`.
    """

    ids: tuple[int, ...] = ()
    statuses: tuple[str, ...] = ()
    workflow_ids: tuple[str, ...] = ()
    project_ids: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    retry_of: tuple[int, ...] = ()
    tags: tuple[str, ...] = ()
    votes: tuple[str, ...] = ()
    started_after: datetime | None = None
    started_before: datetime | None = None
    metadata_key: str | None = None
    metadata_value: str | None = None
    visible_project: str | None = None

    def condition(self, *, before: int | None = None) -> tuple[sql.Composable, dict[str, Any]]:
        """The condition on `executions AS e` and its parameters; `before` keeps ids below it (the keyset)."""
        clauses: list[sql.Composable] = []
        parameters: dict[str, Any] = {}

        def add(clause: sql.Composable, **values: Any) -> None:
            clauses.append(clause)
            parameters.update(values)

        leading = self.leading_column()
        for column, name, values in self._columns():
            if values:
                clause = EXACTLY if column == leading else EQUALS if len(values) == 1 else ANY_OF
                value = values[0] if len(values) == 1 else list(values)
                add(clause.format(column=sql.Identifier("e", column), value=sql.Placeholder(name)), **{name: value})
        if self.started_after is not None:
            add(STARTED_AFTER, started_after=self.started_after)
        if self.started_before is not None:
            add(STARTED_BEFORE, started_before=self.started_before)
        if before is not None:
            add(BEFORE, before=before)
        if self.tags:
            add(TAGGED, tags=list(self.tags))
        if self.metadata_key is not None and self.metadata_value is None:
            add(HAS_METADATA_KEY, metadata_key=self.metadata_key)
        elif self.metadata_key is not None:
            add(HAS_METADATA, metadata_key=self.metadata_key, metadata_value=self.metadata_value)
        return sql.SQL(" AND ").join(clauses or [sql.SQL("true")]), parameters

    def order(self) -> sql.Composable:
        """Newest first, worded so that only the index of the leading column can give that order.

        By its statistics the planner might walk down the primary key and filter: quick for a workflow that
        runs all the time, a walk through the whole table for one that ran only last year. A range of one value
        is no constant to the planner, so the order by that column counts for it.
        """
        leading = self.leading_column()
        return NEWEST if leading is None else NEWEST_OF.format(column=sql.Identifier("e", leading))

    def leading_column(self) -> str | None:
        """The indexed column that alone, with one value, says which executions are meant (times aside)."""
        asked = [(column, values) for column, _, values in self._columns() if values]
        if len(asked) != 1 or self.tags or self.metadata_key is not None:
            return None
        column, values = asked[0]
        return column if column in INDEXED and len(values) == 1 else None

    def _columns(self) -> tuple[tuple[str, str, tuple[Any, ...]], ...]:
        """Column, parameter and wanted values of each filter that means "any of"."""
        visible = () if self.visible_project is None else (self.visible_project,)
        return (
            ("id", "ids", self.ids),
            ("status", "statuses", self.statuses),
            ("workflow_id", "workflow_ids", self.workflow_ids),
            ("project_id", "project_ids", self.project_ids),
            ("project_id", "visible_project", visible),
            ("mode", "modes", self.modes),
            ("retry_of", "retry_of", self.retry_of),
            ("vote", "votes", self.votes),
        )


NEWEST = sql.SQL("e.id DESC")
NEWEST_OF = sql.SQL("{column} DESC, e.id DESC")
INDEXED = frozenset({"status", "workflow_id", "project_id", "mode"})

EXACTLY = sql.SQL("{column} BETWEEN {value} AND {value}")
EQUALS = sql.SQL("{column} = {value}")
ANY_OF = sql.SQL("{column} = ANY({value})")
STARTED_AFTER = sql.SQL("e.started_at > %(started_after)s")
STARTED_BEFORE = sql.SQL("e.started_at < %(started_before)s")
BEFORE = sql.SQL("e.id < %(before)s")
TAGGED = sql.SQL("""e.id IN (
    SELECT et.execution_id FROM execution_tags AS et WHERE et.tag_id = ANY(%(tags)s))""")
HAS_METADATA_KEY = sql.SQL("""e.id IN (
    SELECT em.execution_id FROM execution_metadata AS em WHERE em.key = %(metadata_key)s)""")
HAS_METADATA = sql.SQL("""e.id IN (
    SELECT em.execution_id FROM execution_metadata AS em
     WHERE em.key = %(metadata_key)s AND md5(em.value) = md5(%(metadata_value)s) AND em.value = %(metadata_value)s)""")
