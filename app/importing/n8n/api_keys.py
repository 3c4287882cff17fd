"""API keys of n8n, which are accepted here as they are when that is asked for."""

import hashlib
from collections.abc import Container, Iterator
from datetime import UTC, datetime
from typing import Any

import jwt

from app.importing.n8n.objects import times_of
from app.importing.n8n.options import ImportOptions
from app.importing.n8n.report import Report
from app.importing.n8n.row_savepoints import kept_apart
from app.importing.n8n.rows import Row, storable
from app.importing.n8n.source import Source
from app.repository import imported_objects
from app.repository.connection import Connection
from app.scopes import SCOPES

WITHOUT_SCOPES = ("credential", "execution", "project", "securityAudit", "tag", "variable", "workflow", "workflowTags")
"""What the API of an n8n was about whose keys had no scopes yet: each might do what its user might."""
MAY_ALL = ("global:owner", "global:admin")


def bring_api_keys(connection: Connection, source: Source, options: ImportOptions, report: Report) -> None:
    """Accept n8n's API keys as they are, with what of their scopes there is here."""
    administrators = _administrators(source)
    for row in (*source.rows("user_api_keys"), *_keys_of_users(source)):
        key = str(row["apiKey"])
        if row.get("audience") not in (None, "public-api"):
            continue
        given = _scopes(row, administrators)
        if not given:
            report.note(f"The API key {row.get('label')!r} names no scopes: it may do nothing here. Make a new one.")
        scopes = [scope for scope in given if scope in SCOPES]
        if len(scopes) < len(given):
            report.note(f"The API key {row.get('label')!r} keeps {len(scopes)} of its {len(given)} scopes.")
        with kept_apart(connection, report, "API keys", f"The API key {row.get('label')!r}"):
            new = imported_objects.add_api_key(
                connection,
                label=storable(row.get("label")) or "n8n",
                key_sha256=hashlib.sha256(key.encode()).digest(),
                scopes=scopes,
                project_id=None if options.keep_projects else options.project,
                created_at=times_of(row).created_at,
                expires_at=_expiry(key),
            )
            report.count("API keys", "accepted" if new else "known")


def _keys_of_users(source: Source) -> Iterator[Row]:
    """The keys of an n8n that has no table of them yet: one for each user, and no JWT."""
    for user in source.rows("user"):
        if user.get("apiKey") is not None:
            yield {"apiKey": user["apiKey"], "label": user.get("email"), "userId": user["id"]}


def _administrators(source: Source) -> set[Any]:
    """The ids of the users who may do everything there."""
    roles = {role["id"]: f"{role.get('scope')}:{role.get('name')}" for role in source.rows("role") if "id" in role}
    return {
        user["id"]
        for user in source.rows("user")
        if (user.get("role") or roles.get(user.get("globalRoleId"))) in MAY_ALL
    }


def _scopes(row: Row, administrators: Container[Any]) -> list[str]:
    """What the key may do there."""
    if "scopes" in row:
        return [scope for scope in row["scopes"] or [] if isinstance(scope, str)]
    if row.get("userId") in administrators:
        return [scope for scope in SCOPES if scope.partition(":")[0] in WITHOUT_SCOPES]
    return []


def _expiry(key: str) -> datetime | None:
    """When a key ends; None where it does not say that, or no calendar has that time."""
    try:
        expires = jwt.decode(key, options={"verify_signature": False, "verify_exp": False}).get("exp")
        return datetime.fromtimestamp(expires, UTC) if isinstance(expires, int | float) else None
    except (jwt.InvalidTokenError, OverflowError, OSError, ValueError):
        return None
