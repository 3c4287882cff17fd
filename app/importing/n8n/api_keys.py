"""API keys of n8n, which are accepted here as they are when that is asked for."""

import hashlib
from datetime import UTC, datetime

import jwt

from app.importing.n8n.apart import kept_apart
from app.importing.n8n.objects import times_of
from app.importing.n8n.options import ImportOptions
from app.importing.n8n.report import Report
from app.importing.n8n.rows import storable
from app.importing.n8n.source import Source
from app.repository import imported_objects
from app.repository.connection import Connection
from app.scopes import SCOPES


def bring_api_keys(connection: Connection, source: Source, options: ImportOptions, report: Report) -> None:
    """Accept n8n's API keys as they are, with what of their scopes there is here."""
    for row in source.rows("user_api_keys"):
        key = str(row["apiKey"])
        if row.get("audience") not in (None, "public-api"):
            continue
        given = [scope for scope in row.get("scopes") or [] if isinstance(scope, str)]
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


def _expiry(key: str) -> datetime | None:
    """When a key ends; None where it does not say that, or no calendar has that time."""
    try:
        expires = jwt.decode(key, options={"verify_signature": False, "verify_exp": False}).get("exp")
        return datetime.fromtimestamp(expires, UTC) if isinstance(expires, int | float) else None
    except (jwt.InvalidTokenError, OverflowError, OSError, ValueError):
        return None
