"""One move from an n8n to here, as the command asks for it: dry run, import, follow, switch."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from uuid import UUID

from app.importing.n8n import switch
from app.importing.n8n.importer import Importer
from app.importing.n8n.open_source import Access, find_key, find_storage, open_source, why_unread
from app.importing.n8n.options import ImportOptions
from app.importing.n8n.progress import Progress, Untold, WatchedSource
from app.importing.n8n.question_links import ENDPOINT
from app.importing.n8n.rehearsal import Rehearsed, rehearse
from app.importing.n8n.report import Report
from app.importing.n8n.source import Source, SourceError, Wanted
from app.importing.n8n.workflows import Workflows
from app.importing.whole_files import read_whole
from app.own_types import own_types
from app.repository import import_progress
from app.repository.connection import Connection
from app.settings import Settings

CannotMoveIn = SourceError
"""What ends a move with a sentence that says what to do."""

Activate = Callable[[str, UUID | None], str | None]
"""Activates a workflow by its id at a version (None: the current one); returns why it cannot be, None when it is."""


class Move:
    """A move into the database of `connection`, which is in autocommit and this move's alone."""

    def __init__(
        self,
        connection: Connection,
        settings: Settings,
        names: Sequence[str],
        options: ImportOptions,
        access: Access,
        progress: Progress | None = None,
    ) -> None:
        self._connection, self._names, self._access, self._options = connection, names, access, options
        self._settings = settings
        self._progress = progress or Untold()
        self._importer = Importer(connection, settings, options, self._progress)

    def look(self) -> Report:
        """What `bring` would do. Raises SourceError."""
        with closing(self._open(Wanted.NUMBER)) as source:
            report, _ = self._importer.preview(source)
        return report

    def rehearse(self, number: int, show: Callable[[Rehearsed], None] = lambda rehearsed: None) -> Report:
        """Run the newest `number` executions of each workflow here, and compare. Writes nothing.

        `show` is told of each workflow when it is done. Raises SourceError.
        """
        timezone = self._options.timezone or self._settings.timezone
        with closing(self._open(Wanted.NEWEST)) as source:
            report = Report(source.name, dry_run=True)
            for rehearsed in rehearse(source, own_types(self._settings), number, timezone, self._progress):
                report.rehearsed.append(rehearsed)
                show(rehearsed)
        return report

    def bring(self, activate: Activate | None = None, *, follow: bool = False) -> Report:
        """Bring what is not here.

        Without `follow` it is also counted what is gone there. With `activate`, what was active there is activated
        here, and what waits goes on. Raises SourceError, CannotMix.
        """
        with closing(self._open(Wanted.ALL)) as source:
            report, brought = self._importer.bring(source)
            switch.remember_active(self._connection, source, brought.active())
            if not follow and self._options.executions:
                self._importer.count_gone(source, report)
            if activate is not None:
                self._switch(source, brought, report, activate)
        return report

    def _open(self, wanted: Wanted) -> Source:
        # Only of the API it matters what is known already: it is read anew each time.
        of_api = self._names[0].startswith(("http://", "https://"))
        above = import_progress.highest_imported(self._connection) if of_api else 0
        source = open_source(
            self._names,
            self._access,
            above=above,
            wanted=wanted if self._options.executions else Wanted.NONE,
            progress=self._progress,
        )
        return WatchedSource(source, self._progress)

    def _switch(self, source: Source, brought: Workflows, report: Report, activate: Activate) -> None:
        by_id = {findings.id: findings for findings in report.workflows}
        active, earlier = switch.to_activate(self._connection, source, brought.known)
        active_here = switch.find_active(self._connection)
        for seen in active:
            if seen.workflow_id in active_here:  # at the version that somebody wants here
                report.count("workflows", "active here already")
                continue
            there = None if brought.changed_here(seen.workflow_id) else seen.version_id
            problem = activate(seen.workflow_id, switch.known_version(self._connection, seen.workflow_id, there))
            report.count("workflows", "activated" if problem is None else "that cannot be active here")
            if problem is not None and seen.workflow_id in by_id:
                by_id[seen.workflow_id].findings.append(f"cannot be active here: {problem}")
        for seen in earlier:
            if seen.workflow_id in by_id and seen.workflow_id not in active_here:
                by_id[seen.workflow_id].findings.append(
                    f"was last active there at {seen.seen_at:%Y-%m-%d %H:%M %Z}: activate it here where it is to run"
                )
        canceled = switch.cancel_gone(self._connection, self._importer.gone_waits)
        if canceled:
            report.count("executions", "that waited and are gone there, canceled here", canceled)
        released = switch.release_waits(self._connection)
        if released:
            report.count("executions", "that wait go on here", released)
        for address in switch.find_unanswered(self._connection, source, active):
            report.note(f"Nothing answers {address} here.")


def access_of(given: Mapping[str, object], environ: Mapping[str, str], names: Sequence[str]) -> Access:
    """How the source is read, from what was given and from n8n's own environment variables. Raises SourceError."""
    key_file, storage, api_key_file = (
        _path(given[name]) for name in ("encryption_key_file", "storage", "api_key_file")
    )
    api_key = environ.get("N8N_API_KEY", "").strip() or None
    if api_key_file is not None:
        try:
            api_key = read_whole(api_key_file).decode().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SourceError(f"{api_key_file} cannot be read: {why_unread(error)}") from None
    return Access(
        key=find_key(environ, key_file, names),
        link_secret=environ.get("N8N_HMAC_SIGNATURE_SECRET", "").strip() or None,
        waiting_endpoint=environ.get("N8N_ENDPOINT_WEBHOOK_WAIT", "").strip().strip("/") or ENDPOINT,
        api_key=api_key,
        storage=find_storage(environ, storage, names),
        schema=str(given["schema"]),
        prefix=str(given["table_prefix"]),
        most_bytes=int(str(given["largest"])) * 2**20,
    )


def options_of(given: Mapping[str, object], access: Access) -> ImportOptions:
    """What to bring, from what was given."""
    timezone = given["timezone"]
    return ImportOptions(
        project=str(given["project"]),
        keep_projects=bool(given["keep_projects"]),
        key=access.key,
        link_secret=access.link_secret,
        waiting_endpoint=access.waiting_endpoint,
        timezone=None if timezone is None else str(timezone),
        api_keys=bool(given["api_keys"]),
        executions=not given["no_executions"],
        most_bytes=access.most_bytes,
        storage=access.storage is not None,
    )


def _path(value: object) -> Path | None:
    return value if isinstance(value, Path) else None
