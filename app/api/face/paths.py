"""Ids in paths."""

import re

from app.repository.errors import NotFound
from app.schemas.base import OBJECT_ID


def require_id(text: str, missing: type[NotFound], pattern: re.Pattern[str] = OBJECT_ID) -> str:
    """The id in a path. Raises `missing` for one that nothing can have, and that PostgreSQL need not look for."""
    if not pattern.fullmatch(text):
        raise missing
    return text
