"""How an import was asked for."""

from dataclasses import dataclass

from app.importing.n8n.question_links import ENDPOINT
from app.repository.projects import DEFAULT_PROJECT


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """What to bring, and to where.

    `project`: where everything goes, unless `keep_projects` asks for those of n8n. `key`: n8n's encryption key; None:
    credentials stay behind. `link_secret`: what it signs links with, where that was set; `waiting_endpoint`: the first
    part of their paths. `timezone` is written into workflows that name none. No data of an execution above `most_bytes`
    comes along; `storage`: whether a folder of files was named.
    """

    project: str = DEFAULT_PROJECT
    keep_projects: bool = False
    key: str | None = None
    link_secret: str | None = None
    waiting_endpoint: str = ENDPOINT
    timezone: str | None = None
    api_keys: bool = False
    executions: bool = True
    most_bytes: int = 8 * 2**20
    storage: bool = False
