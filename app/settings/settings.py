"""The program's settings: one frozen dataclass, read once from the environment.

Knows nothing of what the settings are used for. Whoever needs one is handed the dataclass.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from app.environment import EnvironmentReader, SettingsError
from app.outgoing.addresses import AddressRules
from app.settings import reading
from app.settings.values import check_texts, parse_home
from app.settings.vector_stores import VectorStores


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be set from outside. Durations are seconds and sizes bytes, unless the name says otherwise."""

    database_url: str
    """Address of the database as libpq understands it; empty only where no database was asked for."""
    database_direct_url: str | None
    """Address of the same database around a pooler in transaction mode that `database_url` leads through; None: none
    does."""
    database_replica_url: str | None
    """Address of a replica of that database, for what the API only reads; None: there is none."""
    database_replica_lag_seconds: float
    """A replica that is further behind is not used."""
    home: Path
    """Absolute path of the folder for everything that is kept on disk: embedded database, key, logs."""
    host: str
    port: int
    api_key: str | None
    """A key with every scope, made at start; None: only keys in the database count."""
    concurrency: int
    """How many executions one worker runs at the same time."""
    extra_places: int
    """How many more it runs of projects that hold fewer of its places than there are left of these."""
    listeners: int
    """How many triggers with a connection of their own one worker holds."""
    project_listeners: int
    """How many such triggers the active workflows of one project may have."""
    heartbeat_seconds: float
    """How often a worker says that it is alive."""
    lease_seconds: float
    """How long after its last heartbeat a worker counts as lost."""
    node_seconds: float
    """How long a node may compute without letting anything else of its worker go on."""
    run_bytes: int
    """How much memory the data of one execution may take while it runs."""
    worker_bytes: int
    """How much the data of all executions of one worker may take together."""
    sandbox_processes: int
    """Most processes of one worker that run JavaScript, each for one project."""
    sandbox_memory_mb: int
    """How much memory the JavaScript of one of them may use."""
    package_processes: int
    """Most processes of one worker that run node packages, apart from those that remember something for a project."""
    package_sharing: str
    """Whose calls may come to one of them: those of a `project`, or of one `execution`."""
    package_memory_mb: int
    """How much memory one of them may use."""
    packaged_nodes: frozenset[str]
    """The built-in node types that are left to a package."""
    worker_host: str
    worker_port: int | None
    """Where a worker answers health checks and Prometheus; None: nowhere."""
    poll_seconds: float
    """How often a worker looks for work that no notification announced."""
    max_body_bytes: int
    bodies_bytes: int
    """How much the bodies that one process of the API reads at the same time may come to."""
    data_max_display_size: int
    """An execution's data above this size is left out of answers unless the client insists."""
    page_bytes: int
    """On one page of a list, data of more than so much together is left out of answers unless the client insists."""
    data_tables_bytes: int
    """How much the cells of all data tables of a project may come to."""
    prune_age_hours: float | None
    """Ended executions older than this are deleted; None: never."""
    prune_keep: int | None
    """Only this many of the newest executions are kept; None: all."""
    prune_keep_per_workflow: int | None
    """Only this many of the newest executions of each workflow are kept; None: all."""
    http_workers: int
    """Processes that answer HTTP."""
    http_threads: int
    """Threads in each of them; a call that waits for an execution holds none."""
    pool_size: int
    """Most database connections that one process keeps."""
    requests_per_minute: int | None
    """How often one API key may call each process of the API in a minute; None: as often as it likes."""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    """Whose word on who calls (X-Forwarded-For) is taken; empty: nobody's."""
    cors_origins: frozenset[str]
    """Origins whose pages may call the API from a browser, in lower case, `*` for all; empty: none."""
    failure_webhook: str | None
    """Where a notice of each failed execution goes; None: nowhere."""
    failure_secret: str | None
    """What those notices are signed with."""
    traces: bool
    """Whether the variables of OpenTelemetry ask for traces; it reads them itself."""

    webhook_url: str
    """Where the API is reached from outside, without a slash at the end."""
    webhook_seconds: float
    """How long a webhook's caller waits for a workflow that answers at its end."""
    timezone: str
    """The time zone of workflows that name none."""
    missed_schedules: str
    """`fire` once at start what was due while everything was down, or `skip` it."""
    allowed_hosts: AddressRules
    """What workflows may reach besides the public Internet."""
    files_folder: Path | None
    """Absolute path of the folder in which workflows may read and write files, one folder a project; None: nowhere."""
    execute_command: bool
    """Whether workflows may run commands on the workers' machines (Execute Command)."""
    vector_stores: VectorStores
    """What `make run` starts for projects to keep vectors in."""
    encryption_key: str | None
    """What credentials are encrypted with; None: a key that is kept in the home folder."""
    encryption_keys_old: tuple[str, ...]
    """Further keys that are accepted, while `encryption_key` is being changed."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], *, needs_database: bool = True) -> "Settings":
        """Read the settings.

        `needs_database=False` is for the few commands that work without a database or start one themselves.

        Raises SettingsError, naming the variable, for a value that cannot be used, and when no database is
        named while one is needed.
        """
        check_texts(environ)
        reader = EnvironmentReader(environ)
        home = parse_home(reader.text("EXECUTIONS_HOME", "var"))
        settings = cls(
            home=home,
            **reading.read_databases(reader, environ, home, needs_database),
            **reading.read_http(reader, environ),
            **reading.read_worker(reader),
            **reading.read_amounts(reader),
            **reading.read_pruning(reader),
            **reading.read_notices(environ),
            **reading.read_workflows(reader, home),
            **reading.read_keys(environ),
        )
        _check_together(settings, environ)
        return settings

    @property
    def direct_url(self) -> str:
        """Where a session is one's own: to listen, to hold a lock, to migrate."""
        return self.database_direct_url or self.database_url

    @property
    def through_pooler(self) -> bool:
        """Whether a pooler in transaction mode stands in front of the database."""
        return self.database_direct_url is not None


def _check_together(settings: Settings, environ: Mapping[str, str]) -> None:
    """Refuse settings that make no sense beside each other. Raises SettingsError."""
    if settings.lease_seconds < 2 * settings.heartbeat_seconds:
        raise SettingsError(
            "EXECUTIONS_LEASE_SECONDS must be at least twice EXECUTIONS_HEARTBEAT_SECONDS, or living "
            f"workers count as lost: {settings.lease_seconds:g} and {settings.heartbeat_seconds:g} given"
        )
    if settings.database_direct_url and not environ.get("DATABASE_URL", "").strip():
        raise SettingsError("DATABASE_DIRECT_URL goes around the pooler that DATABASE_URL leads through: set both")
    if settings.encryption_keys_old and settings.encryption_key is None:
        raise SettingsError("EXECUTIONS_ENCRYPTION_KEY_OLD is set: set EXECUTIONS_ENCRYPTION_KEY, too")
    if settings.failure_webhook and not settings.failure_secret:
        raise SettingsError("EXECUTIONS_FAILURE_WEBHOOK is signed: set EXECUTIONS_FAILURE_SECRET to a long secret")
