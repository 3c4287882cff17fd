"""Ids in paths."""

import re

from app.repository.errors import NotFound
from app.schemas.base import OBJECT_ID, parse_execution_id


def require_id(text: str, missing: type[NotFound], pattern: re.Pattern[str] = OBJECT_ID) -> str:
    """The id in a path. Raises `missing` for one that nothing can have, and that PostgreSQL need not look for."""
    if not pattern.fullmatch(text):
        raise missing
    return text


def require_number(text: str, missing: type[NotFound]) -> int:
    """The id in a path where ids are numbers. Raises `missing` for one that nothing can have."""
    number = parse_execution_id(text)
    if number is None:
        raise missing
    return number
