"""What comes in from another program with its ids and times: projects, tags, credentials, keys, variables, histories.

Each function stores what is not here, or what has changed there since it came; what was changed here is left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.repository.connection import Connection, scalar
from app.repository.credentials import Secret
from app.repository.deduplication import kept_scope

ADD_PROJECT = """
    INSERT INTO projects (id, name, created_at, updated_at)
    VALUES (%(id)s, %(name)s, %(created_at)s, %(updated_at)s)
    ON CONFLICT (id) DO NOTHING
"""

# Names are unique here, over tags of workflows and of executions.
ADD_TAG = """
    INSERT INTO tags (id, name, created_at, updated_at)
    VALUES (%(id)s, %(name)s, %(created_at)s, %(updated_at)s)
    ON CONFLICT DO NOTHING
"""

# One that was saved here has a later time than it had there. Older n8ns numbered their tags: two have the same ids.
FOLLOW_TAG = """
    UPDATE tags AS t
       SET name = %(name)s, updated_at = %(updated_at)s
     WHERE t.id = %(id)s AND t.updated_at < %(updated_at)s AND t.name <> %(name)s AND t.id !~ '^[0-9]+$'
       AND NOT EXISTS (SELECT FROM tags AS o WHERE o.name = %(name)s)
"""

TAG_ID = """
    SELECT t.id
      FROM tags AS t
     WHERE t.name = %(name)s
"""

# One that was saved here has a later time than it had there.
SAVE_CREDENTIAL = """
    INSERT INTO credentials AS c (id, name, type, project_id, data, key_id, created_at, updated_at)
    VALUES (%(id)s, %(name)s, %(type)s, %(project_id)s, %(data)s, %(key_id)s, %(created_at)s, %(updated_at)s)
    ON CONFLICT (id) DO UPDATE
       SET name = EXCLUDED.name, data = EXCLUDED.data, key_id = EXCLUDED.key_id, updated_at = EXCLUDED.updated_at
     WHERE c.type = EXCLUDED.type AND c.updated_at < EXCLUDED.updated_at
    RETURNING true
"""

ADD_KEY = """
    INSERT INTO api_keys (label, key_sha256, scopes, project_id, created_at, expires_at)
    VALUES (%(label)s, %(key_sha256)s, %(scopes)s, %(project_id)s, %(created_at)s, %(expires_at)s)
    ON CONFLICT (key_sha256) DO NOTHING
"""

# One that was saved here has a later time than that at which it came.
FOLLOW_VARIABLE = """
    UPDATE variables AS v
       SET key = %(key)s, value = %(value)s, type = %(type)s
     WHERE v.id = %(id)s AND v.updated_at = v.created_at
       AND (v.key, v.value, v.type) IS DISTINCT FROM (%(key)s, %(value)s, %(type)s)
       AND NOT EXISTS (SELECT
                         FROM variables AS o
                        WHERE o.id <> v.id AND o.key = %(key)s AND o.project_id IS NOT DISTINCT FROM v.project_id)
"""

ADD_VARIABLE = """
    INSERT INTO variables (id, key, value, type, project_id)
    VALUES (%(id)s, %(key)s, %(value)s, %(type)s, %(project_id)s)
    ON CONFLICT DO NOTHING
"""

VARIABLE_VALUE = """
    SELECT v.value
      FROM variables AS v
     WHERE v.key = %(key)s AND v.project_id IS NOT DISTINCT FROM %(project_id)s
"""

SAVE_HISTORY = """
    INSERT INTO deduplication_histories AS h (workflow_id, scope, kind, size, highest)
    VALUES (%(workflow_id)s, %(scope)s, %(kind)s, 0, %(highest)s)
    ON CONFLICT (workflow_id, scope) DO UPDATE SET highest = greatest(h.highest, EXCLUDED.highest)
     WHERE h.kind = EXCLUDED.kind
    RETURNING true
"""

# What was seen there was seen before all that is seen here.
ADD_VALUES = """
    INSERT INTO deduplication_values (workflow_id, scope, value_sha256)
    SELECT %(workflow_id)s, %(scope)s, seen.value
      FROM unnest(%(values)s::bytea[]) AS seen (value)
    ON CONFLICT DO NOTHING
"""

COUNT_VALUES = """
    UPDATE deduplication_histories AS h
       SET size = h.size + %(added)s
     WHERE h.workflow_id = %(workflow_id)s AND h.scope = %(scope)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """When an object was made and last changed."""

    created_at: datetime
    updated_at: datetime

    def to_parameters(self) -> dict[str, datetime]:
        """Both times by the names of their columns."""
        return {"created_at": self.created_at, "updated_at": self.updated_at}


def add_project(connection: Connection, project_id: str, name: str, times: Times) -> None:
    """Store a project, unless there is one with this id."""
    connection.execute(ADD_PROJECT, {"id": project_id, "name": name, **times.to_parameters()})


def add_tag(connection: Connection, tag_id: str, name: str, times: Times) -> str:
    """Store a tag, or its name where it was renamed there, unless there is one of that name; returns the id of the tag
    of that name."""
    connection.execute(FOLLOW_TAG, {"id": tag_id, "name": name, **times.to_parameters()})
    connection.execute(ADD_TAG, {"id": tag_id, "name": name, **times.to_parameters()})
    known = scalar(connection, TAG_ID, {"name": name})
    if known is None:  # the id is taken by a tag of another name
        connection.execute(ADD_TAG, {"id": f"{tag_id}-n8n", "name": name, **times.to_parameters()})
        known = scalar(connection, TAG_ID, {"name": name})
    return str(known)


def save_credential(
    connection: Connection, credential_id: str, *, name: str, type: str, project_id: str, secret: Secret, times: Times
) -> bool:
    """Store a credential, or what has changed of it there; returns whether anything was stored."""
    values = {"id": credential_id, "name": name, "type": type, "project_id": project_id, **times.to_parameters()}
    return bool(scalar(connection, SAVE_CREDENTIAL, {**values, "data": secret.data, "key_id": secret.key_id}))


def add_api_key(
    connection: Connection,
    *,
    label: str,
    key_sha256: bytes,
    scopes: Sequence[str],
    project_id: str | None,
    created_at: datetime,
    expires_at: datetime | None,
) -> bool:
    """Accept a key from elsewhere, unless it is known; returns whether it is new."""
    values: Mapping[str, object] = {
        "label": label,
        "key_sha256": key_sha256,
        "scopes": list(scopes),
        "project_id": project_id,
        "created_at": created_at,
        "expires_at": expires_at,
    }
    return connection.execute(ADD_KEY, values).rowcount == 1


def save_variable(
    connection: Connection, variable_id: str, *, key: str, value: str, type: str, project_id: str | None
) -> bool:
    """Store a variable, unless there is one of that key that did not come in or was changed here.

    Returns whether the one that is here has this value.
    """
    values = {"id": variable_id, "key": key, "value": value, "type": type, "project_id": project_id}
    connection.execute(FOLLOW_VARIABLE, values)
    connection.execute(ADD_VARIABLE, values)
    return bool(scalar(connection, VARIABLE_VALUE, {"key": key, "project_id": project_id}) == value)


def add_history(
    connection: Connection,
    workflow_id: str,
    scope: str,
    kind: str,
    *,
    values: Sequence[bytes] = (),
    highest: float | None = None,
) -> bool:
    """Add to what a Remove Duplicates node has seen: digests of values, or the highest one.

    Returns False where the history here is of another kind.
    """
    where = {"workflow_id": workflow_id, "scope": kept_scope(scope)}
    if not scalar(connection, SAVE_HISTORY, {**where, "kind": kind, "highest": highest}):
        return False
    added = connection.execute(ADD_VALUES, {**where, "values": list(values)}).rowcount
    connection.execute(COUNT_VALUES, {**where, "added": added})
    return True
