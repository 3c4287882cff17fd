"""One pass over a source: what is small in one transaction, then executions in batches."""

import time
from collections import Counter
from dataclasses import replace

from app.credentials.vault import Vault
from app.importing.n8n import objects, tables
from app.importing.n8n.api_keys import bring_api_keys
from app.importing.n8n.executions import ExecutionMapper
from app.importing.n8n.history import CAME, HistoryWriter
from app.importing.n8n.objects import Owners
from app.importing.n8n.options import ImportOptions
from app.importing.n8n.progress import Progress, Untold
from app.importing.n8n.published_versions import PublishedVersions
from app.importing.n8n.report import Report
from app.importing.n8n.row_savepoints import REFUSED
from app.importing.n8n.source import Source, SourceError, migrations, newest_migration
from app.importing.n8n.survey import Survey
from app.importing.n8n.versions import VersionsThatRan
from app.importing.n8n.workflows import Workflows, WorkflowWriter
from app.own_types import own_types
from app.packages.known_packages import listed_types
from app.repository import import_leftovers, import_progress, imports, node_packages
from app.repository.connection import Connection
from app.repository.import_leftovers import Means
from app.repository.projects import list_projects
from app.settings import Settings

OLDEST_MIGRATION = "MigrateIntegerKeysToString"
"""Part of the name of a migration that n8n 0.219 brought: from then on ids are texts."""


ATTEMPTS, SECONDS_BETWEEN = 8, 0.25
"""How often it is tried to be the only import."""


def known_zone(settings: Settings) -> str | None:
    """The time zone of this instance, where somebody has set one."""
    return None if settings.timezone == "UTC" else settings.timezone


class DryRun(Exception):
    """Ends the transaction of a dry run: nothing of it stays."""


class Importer:
    """Brings what an n8n has. `connection` is in autocommit; it is this import's alone."""

    def __init__(
        self, connection: Connection, settings: Settings, options: ImportOptions, progress: Progress | None = None
    ) -> None:
        self._connection, self._settings, self._options = connection, settings, options
        self._progress = progress or Untold()
        self._vault = Vault(settings)
        self.gone_waits: list[int] = []
        """Executions that wait here, and that the last pass has found to be gone there."""
        self._means = Means(folder=options.storage, most_bytes=options.most_bytes)

    def bring(self, source: Source) -> tuple[Report, Workflows]:
        """Bring all that is not here. Raises SourceError, CannotMix."""
        self._check(source)
        self._be_the_only_one()
        number = self._count_executions(source)
        try:
            report, owners, brought, tag_ids = self._bring_all_small(source, Report(source.name))
        except REFUSED:  # all is brought once more, each thing apart
            report, owners, brought, tag_ids = self._bring_all_small(source, Report(source.name, careful=True))
        if self._options.executions:
            self.gone_waits = self._bring_executions(source, owners, tag_ids, report, number)
            if not report.counts.get("executions", Counter()).keys().isdisjoint(CAME):
                self._progress.begin("tables analysed")
                imports.analyze(self._connection)
        _note_remarks(source, report)
        return report, brought

    def _be_the_only_one(self) -> None:
        """Raise SourceError where another import is under way. PostgreSQL may notice late that one is gone."""
        for _ in range(ATTEMPTS):
            if import_progress.take_import_lock(self._connection):
                return
            time.sleep(SECONDS_BETWEEN)
        raise SourceError("Another import into this database is under way: wait for its end, or stop it.")

    def preview(self, source: Source) -> tuple[Report, Workflows]:
        """What `bring` would do, with nothing written; executions are counted only."""
        self._check(source)
        number = self._count_executions(source)
        try:
            report, brought = self._preview_small(source, Report(source.name, dry_run=True))
        except REFUSED:
            report, brought = self._preview_small(source, Report(source.name, dry_run=True, careful=True))
        if self._options.executions:
            report.count("executions", "at the source", number or 0)
        _note_remarks(source, report)
        return report, brought

    def count_gone(self, source: Source, report: Report) -> None:
        """Count the executions that came and are not there any more: they stay here. Reads all of both sides."""
        there = source.count_brought()
        if there is None:
            return
        with self._connection.transaction():
            highest = import_progress.read_progress(self._connection, source.name)
            here = imports.count_up_to(self._connection, highest)
        if here > there:
            report.count("executions", "here that are gone there", here - there)

    def _bring_all_small(self, source: Source, report: Report) -> tuple[Report, Owners, Workflows, dict[str, str]]:
        """All that is small, in one transaction. Raises what is in REFUSED."""
        owners = Owners(source, self._options, report)
        with self._connection.transaction():
            return report, owners, *self._bring_small(source, owners, report)

    def _preview_small(self, source: Source, report: Report) -> tuple[Report, Workflows]:
        brought = Workflows()
        try:
            with self._connection.transaction():
                brought, _ = self._bring_small(source, Owners(source, self._options, report), report)
                raise DryRun
        except DryRun:
            return report, brought

    def _check(self, source: Source) -> None:
        """Raise SourceError for what cannot be brought, before anything is."""
        names = [str(row.get("name")) for row in migrations(source)]
        if names and not any(OLDEST_MIGRATION in name for name in names):
            raise SourceError(
                f"{source.name} is older than n8n 1.0 (its newest migration is {newest_migration(source)}): "
                "update that n8n first"
            )
        with self._connection.transaction():
            if not list_projects(self._connection, limit=1, project_id=self._options.project):
                raise SourceError(
                    f"There is no project {self._options.project!r} here: make it with POST /api/v1/projects"
                )

    def _count_executions(self, source: Source) -> int | None:
        """How many executions it has, where they are wanted; may take long. Raises SourceError."""
        return source.count_executions() if self._options.executions else None

    def _bring_small(self, source: Source, owners: Owners, report: Report) -> tuple[Workflows, dict[str, str]]:
        objects.bring_projects(self._connection, owners, report)
        tag_ids = objects.bring_tags(self._connection, source, report)
        objects.bring_credentials(self._connection, source, self._options, owners, self._vault, report)
        tables.bring_data_tables(self._connection, source, owners, report)
        objects.bring_variables(self._connection, source, self._options, owners, report)
        if self._options.api_keys:
            bring_api_keys(self._connection, source, self._options, report)
        survey = Survey(
            listed_types(self._connection, own_types(self._settings)),
            credentials={str(row["id"]) for row in source.rows("credentials_entity")},
            zone=self._options.timezone or known_zone(self._settings),
            rules=self._settings.allowed_hosts,
        )
        writer = WorkflowWriter(self._connection, source, self._options, owners, survey, report)
        brought = writer.bring(tag_ids)
        objects.bring_histories(self._connection, source, report, brought.known.__contains__)
        there = {package.name for package in node_packages.list_packages(self._connection)}
        for row in source.rows("installed_packages"):
            name, version = row.get("packageName"), row.get("installedVersion")
            wanted = f"{name}@{version}" if version else name
            if name not in there:
                report.note(
                    f"n8n has the community package {name}: `flask packages add {wanted}` brings its nodes here."
                )
        return brought, tag_ids

    def _bring_executions(
        self, source: Source, owners: Owners, tag_ids: dict[str, str], report: Report, number: int | None
    ) -> list[int]:
        """Store them, about so many; returns what waits here and is gone there."""
        versions = VersionsThatRan(self._connection, owners, PublishedVersions(source))
        mapper = ExecutionMapper(
            version_of=versions.find_or_store,
            project_of=owners.of_workflow,
            tag_of=tag_ids.get,
            read_file=source.read_file,
            most_bytes=self._options.most_bytes,
            signing_secret=objects.find_signing_secret(source, self._options, report),
            waiting_endpoint=self._options.waiting_endpoint,
        )
        self._progress.begin("executions stored", number)
        lacking = import_leftovers.count_out_of_reach(self._connection, source.name, self._means)
        if lacking:
            report.count("executions", "that lack what --storage or --largest brings", lacking)
        writer = HistoryWriter(self._connection, mapper, report, versions.forget, self._means)
        gone = writer.bring(source, self._progress)
        self._means = replace(self._means, unchanged=True)
        if any((self._settings.prune_age_hours, self._settings.prune_keep, self._settings.prune_keep_per_workflow)):
            report.note(
                "EXECUTIONS_PRUNE_* is set: workers delete what is older or more than it says, also of what came in."
            )
        return gone


def _note_remarks(source: Source, report: Report) -> None:
    for remark in source.remarks:
        report.note(remark)
