"""The variables that settings are read from, with their defaults and bounds: one function for what belongs together.

Each returns the fields of `Settings` by name. A name that is missing or unknown ends in the TypeError of `Settings`.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.environment import EnvironmentReader, parse_url
from app.settings.packaged_nodes import parse_packaged_nodes
from app.settings.values import (
    host_and_port,
    parse_allowed_hosts,
    parse_api_key,
    parse_files_folder,
    parse_host,
    parse_old_keys,
    parse_origins,
    parse_trusted_proxies,
    read_conninfo,
    read_database_url,
)
from app.settings.vector_stores import read_addresses, read_vector_stores
from app.telemetry.wanted import wants_traces

MAX_AGE_HOURS = 1_000_000
"""A century and more; what is much longer ago is before PostgreSQL's first year."""


def read_databases(
    reader: EnvironmentReader, environ: Mapping[str, str], home: Path, needs_database: bool
) -> dict[str, Any]:
    """Where the database and its replica are."""
    return {
        "database_url": read_database_url(environ, home, needs_database),
        "database_direct_url": read_conninfo(environ, "DATABASE_DIRECT_URL") or None,
        "database_replica_url": read_conninfo(environ, "DATABASE_REPLICA_URL") or None,
        "database_replica_lag_seconds": reader.duration("DATABASE_REPLICA_LAG_SECONDS", 5),
        "pool_size": reader.integer("EXECUTIONS_POOL_SIZE", 10, low=1, high=1_000),
    }


def read_http(reader: EnvironmentReader, environ: Mapping[str, str]) -> dict[str, Any]:
    """How the API answers, and where it is reached."""
    host = parse_host(reader.text("HOST", "127.0.0.1"), "HOST")
    port = reader.integer("PORT", 8000, low=1, high=65_535)
    return {
        "host": host,
        "port": port,
        "http_workers": reader.integer("EXECUTIONS_HTTP_WORKERS", 2, low=1, high=256),
        "http_threads": reader.integer("EXECUTIONS_HTTP_THREADS", 32, low=1, high=1_000),
        "requests_per_minute": reader.optional_integer("EXECUTIONS_REQUESTS_PER_MINUTE", low=1),
        "trusted_proxies": parse_trusted_proxies(environ.get("EXECUTIONS_TRUSTED_PROXIES", "")),
        "cors_origins": parse_origins(environ.get("EXECUTIONS_CORS_ORIGINS", "")),
        "webhook_url": parse_url(
            reader.text("EXECUTIONS_WEBHOOK_URL", f"http://{host_and_port(host, port)}").rstrip("/"),
            "EXECUTIONS_WEBHOOK_URL",
            base=True,
        ),
        "webhook_seconds": reader.duration("EXECUTIONS_WEBHOOK_SECONDS", 100),
    }


def read_worker(reader: EnvironmentReader) -> dict[str, Any]:
    """How a worker runs executions."""
    concurrency = reader.integer("EXECUTIONS_CONCURRENCY", 50, low=1, high=10_000)
    return {
        "concurrency": concurrency,
        "extra_places": reader.integer("EXECUTIONS_EXTRA_PLACES", concurrency // 10, low=0, high=10_000),
        "listeners": reader.integer("EXECUTIONS_LISTENERS", 100, low=0, high=10_000),
        "project_listeners": reader.integer("EXECUTIONS_PROJECT_LISTENERS", 100, low=0, high=10_000),
        "heartbeat_seconds": reader.duration("EXECUTIONS_HEARTBEAT_SECONDS", 5),
        "lease_seconds": reader.duration("EXECUTIONS_LEASE_SECONDS", 30),
        "node_seconds": reader.duration("EXECUTIONS_NODE_SECONDS", 5),
        "sandbox_processes": reader.integer("EXECUTIONS_SANDBOX_PROCESSES", 24, low=1, high=1_000),
        "sandbox_memory_mb": reader.integer("EXECUTIONS_SANDBOX_MEMORY_MB", 256, low=64, high=65_536),
        "package_processes": reader.integer("EXECUTIONS_PACKAGE_PROCESSES", 4, low=1, high=100),
        "package_sharing": reader.choice("EXECUTIONS_PACKAGE_SHARING", "project", "execution"),
        "package_memory_mb": reader.integer("EXECUTIONS_PACKAGE_MEMORY_MB", 512, low=256, high=65_536),
        "packaged_nodes": parse_packaged_nodes(
            reader.text("EXECUTIONS_PACKAGED_NODES", ""), "EXECUTIONS_PACKAGED_NODES"
        ),
        "worker_host": parse_host(reader.text("EXECUTIONS_WORKER_HOST", "127.0.0.1"), "EXECUTIONS_WORKER_HOST"),
        "worker_port": reader.optional_integer("EXECUTIONS_WORKER_PORT", low=1, high=65_535),
        "poll_seconds": reader.duration("EXECUTIONS_POLL_SECONDS", 1),
    }


def read_amounts(reader: EnvironmentReader) -> dict[str, Any]:
    """How much data may be held, answered or kept."""
    run_bytes = reader.integer("EXECUTIONS_RUN_BYTES", 256 * 2**20, low=2**20)
    return {
        "run_bytes": run_bytes,
        "worker_bytes": reader.integer("EXECUTIONS_WORKER_BYTES", 4 * run_bytes, low=2**20),
        "max_body_bytes": reader.integer("EXECUTIONS_MAX_BODY_BYTES", 16 * 2**20, low=1_024),
        "bodies_bytes": reader.integer("EXECUTIONS_BODIES_BYTES", 64 * 2**20, low=1_024),
        "data_max_display_size": reader.integer("EXECUTIONS_DATA_MAX_DISPLAY_SIZE", 10 * 2**20, low=0),
        "page_bytes": reader.integer("EXECUTIONS_PAGE_BYTES", 64 * 2**20, low=0),
        "data_tables_bytes": reader.integer("EXECUTIONS_DATA_TABLES_BYTES", 50 * 2**20, low=0),
    }


def read_pruning(reader: EnvironmentReader) -> dict[str, Any]:
    """Which executions are deleted as time goes by."""
    return {
        "prune_age_hours": reader.optional_duration("EXECUTIONS_PRUNE_AGE_HOURS", high=MAX_AGE_HOURS),
        "prune_keep": reader.optional_integer("EXECUTIONS_PRUNE_KEEP", low=0),
        "prune_keep_per_workflow": reader.optional_integer("EXECUTIONS_PRUNE_KEEP_PER_WORKFLOW", low=0),
    }


def read_notices(environ: Mapping[str, str]) -> dict[str, Any]:
    """Where failures are told, and whether traces are sent."""
    webhook = environ.get("EXECUTIONS_FAILURE_WEBHOOK", "").strip()
    return {
        "failure_webhook": parse_url(webhook, "EXECUTIONS_FAILURE_WEBHOOK") if webhook else None,
        "failure_secret": environ.get("EXECUTIONS_FAILURE_SECRET", "").strip() or None,
        "traces": wants_traces(environ),
    }


def read_workflows(reader: EnvironmentReader, home: Path) -> dict[str, Any]:
    """What workflows may do and reach."""
    allowed = parse_allowed_hosts(reader.text("EXECUTIONS_ALLOWED_HOSTS", ""))
    return {
        "timezone": reader.timezone("EXECUTIONS_TIMEZONE"),
        "missed_schedules": reader.choice("EXECUTIONS_MISSED_SCHEDULES", "fire", "skip"),
        "files_folder": parse_files_folder(reader.text("EXECUTIONS_FILES_FOLDER", "")),
        "allowed_hosts": replace(allowed, of_projects=read_addresses(home)),
        "execute_command": reader.choice("EXECUTIONS_EXECUTE_COMMAND", "off", "on") == "on",
        "vector_stores": read_vector_stores(reader),
    }


def read_keys(environ: Mapping[str, str]) -> dict[str, Any]:
    """The keys of callers, and those that credentials are encrypted with."""
    return {
        "api_key": parse_api_key(environ.get("EXECUTIONS_API_KEY", "").strip()),
        "encryption_key": environ.get("EXECUTIONS_ENCRYPTION_KEY", "").strip() or None,
        "encryption_keys_old": parse_old_keys(environ.get("EXECUTIONS_ENCRYPTION_KEY_OLD", "").strip()),
    }
