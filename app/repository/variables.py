"""Variables: texts that workflows read as $vars, of all projects or of one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql
from psycopg.rows import class_row

from app.repository.connection import Connection, read_one, scalar
from app.repository.errors import Conflict, VariableNotFound
from app.repository.project_locks import lock_project
from app.repository.projects import Project

MAX_VARIABLES = 1_000
"""How many there may be of one project, and how many of all projects: each run that asks for them gets them all."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable; without a project it is there for all of them."""

    id: str
    key: str
    value: str
    type: str
    project: Project | None


@dataclass(frozen=True, slots=True)
class VariableFilter:
    """Which variables: those in sight of a project (None: all), of one project, of all projects, without a value."""

    visible_project: str | None = None
    project_id: str | None = None
    common: bool = False
    empty: bool = False


@dataclass(frozen=True, slots=True)
class _Row:
    id: str
    key: str
    value: str
    type: str
    project_id: str | None
    project_name: str | None
    project_created_at: datetime | None
    project_updated_at: datetime | None

    def variable(self) -> Variable:
        project = None
        if self.project_id and self.project_name is not None and self.project_created_at and self.project_updated_at:
            project = Project(self.project_id, self.project_name, self.project_created_at, self.project_updated_at)
        return Variable(self.id, self.key, self.value, self.type, project)


LIST = sql.SQL("""
    SELECT v.id, v.key, v.value, v.type, v.project_id, p.name AS project_name, p.created_at AS project_created_at,
           p.updated_at AS project_updated_at
      FROM ({pages}) AS v
      LEFT JOIN projects AS p ON p.id = v.project_id
     ORDER BY v.id
     LIMIT %(limit)s
""")
# One for each place, so that each is read in the order of an index.
PAGE = sql.SQL("""
    (SELECT v.id, v.key, v.value, v.type, v.project_id
       FROM variables AS v
      WHERE {wanted}
      ORDER BY v.id
      LIMIT %(limit)s)
""")
AFTER = sql.SQL("v.id > %(after)s")
OF_PROJECT = sql.SQL("v.project_id = %(project_id)s")
OF_VISIBLE_PROJECT = sql.SQL("v.project_id = %(visible_project)s")
COMMON = sql.SQL("v.project_id IS NULL")
EMPTY = sql.SQL("v.value = ''")

GET = """
    SELECT v.id, v.key, v.value, v.type, v.project_id, p.name AS project_name, p.created_at AS project_created_at,
           p.updated_at AS project_updated_at
      FROM variables AS v
      LEFT JOIN projects AS p ON p.id = v.project_id
     WHERE v.id = %(id)s
       AND (%(visible_project)s::text IS NULL OR v.project_id = %(visible_project)s OR v.project_id IS NULL)
       FOR UPDATE OF v
"""

COUNT = """
    SELECT count(*)
      FROM (SELECT FROM variables AS v
             WHERE v.project_id = %(project_id)s OR (v.project_id IS NULL AND %(project_id)s::text IS NULL)
             LIMIT %(most)s) AS counted
"""

CREATE = """
    INSERT INTO variables (id, key, value, project_id)
    VALUES (%(id)s, %(key)s, %(value)s, %(project_id)s)
"""

UPDATE = """
    UPDATE variables AS v
       SET key = %(key)s, value = %(value)s, project_id = %(project_id)s, updated_at = now()
     WHERE v.id = %(id)s
    RETURNING true
"""

DELETE = """
    DELETE FROM variables AS v
     WHERE v.id = %(id)s
    RETURNING true
"""

# The project's own come last and hide the common ones.
VALUES = """
    SELECT v.key, v.value
      FROM variables AS v
     WHERE v.project_id = %(project_id)s OR v.project_id IS NULL
     ORDER BY v.project_id IS NOT NULL
"""


def list_variables(connection: Connection, wanted: VariableFilter, *, limit: int, after: str = "") -> list[Variable]:
    """At most `limit` variables in the order of their ids, those after `after`."""
    statement, parameters = page_statement(wanted, limit=limit, after=after)
    with connection.cursor(row_factory=class_row(_Row)) as cursor:
        return [row.variable() for row in cursor.execute(statement, parameters)]


def page_statement(wanted: VariableFilter, *, limit: int, after: str) -> tuple[sql.Composed, dict[str, Any]]:
    """The statement of a page, and its parameters."""
    parameters = {
        "limit": limit,
        "after": after,
        "visible_project": wanted.visible_project,
        "project_id": wanted.project_id,
    }
    pages = [PAGE.format(wanted=sql.SQL(" AND ").join(conditions)) for conditions in _places(wanted)]
    return LIST.format(pages=sql.SQL(" UNION ALL ").join(pages)), parameters


def _places(wanted: VariableFilter) -> Iterable[list[sql.SQL]]:
    """The conditions of each place that the wanted ones are in."""
    conditions = [AFTER]
    if wanted.project_id is not None:
        conditions.append(OF_PROJECT)
    if wanted.common:
        conditions.append(COMMON)
    if wanted.empty:
        conditions.append(EMPTY)
    if wanted.visible_project is None:
        return [conditions]
    return [[*conditions, OF_VISIBLE_PROJECT], [*conditions, COMMON]]


def get_variable(connection: Connection, variable_id: str, *, visible_project: str | None = None) -> Variable:
    """The variable with this id, locked until the transaction ends.

    Raises VariableNotFound, also when it belongs to another project.
    """
    where = {"id": variable_id, "visible_project": visible_project}
    return read_one(connection, class_row(_Row), GET, where, VariableNotFound).variable()


def create_variable(
    connection: Connection, variable_id: str, *, key: str, value: str, project_id: str | None
) -> Variable:
    """Store a variable. Raises AlreadyExists, ProjectNotFound (both when translated), and Conflict: too many."""
    _make_room(connection, project_id)
    connection.execute(CREATE, {"id": variable_id, "key": key, "value": value, "project_id": project_id})
    return get_variable(connection, variable_id)


def update_variable(
    connection: Connection, variable: Variable, *, key: str, value: str, project_id: str | None
) -> Variable:
    """Change a variable. Raises VariableNotFound, AlreadyExists, ProjectNotFound (both when translated), Conflict."""
    if project_id != (variable.project and variable.project.id):
        _make_room(connection, project_id)
    changed = {"id": variable.id, "key": key, "value": value, "project_id": project_id}
    if not scalar(connection, UPDATE, changed):
        raise VariableNotFound
    return get_variable(connection, variable.id)


def delete_variable(connection: Connection, variable_id: str) -> None:
    """Delete a variable. Raises VariableNotFound."""
    if not scalar(connection, DELETE, {"id": variable_id}):
        raise VariableNotFound


def read_values(connection: Connection, project_id: str) -> dict[str, str]:
    """What a run of this project sees, by key: the common ones and its own, which go before."""
    return dict(connection.execute(VALUES, {"project_id": project_id}).fetchall())


def _make_room(connection: Connection, project_id: str | None) -> None:
    lock_project(connection, "variables", project_id)
    if scalar(connection, COUNT, {"project_id": project_id, "most": MAX_VARIABLES}) >= MAX_VARIABLES:
        raise Conflict(f"There are {MAX_VARIABLES:,} variables already; more are not allowed")
