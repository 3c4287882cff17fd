"""Settings: defaults of a bare environment, and errors that name the variable."""

from pathlib import Path

import pytest

from app.environment import SettingsError
from app.settings import Settings, host_and_port

URL = {"DATABASE_URL": "postgresql://localhost/x"}


def test_a_bare_environment_has_the_documented_defaults():
    settings = Settings.from_environment(URL)
    assert settings.home == Path.cwd() / "var"
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert (settings.concurrency, settings.heartbeat_seconds, settings.lease_seconds) == (50, 5, 30)
    assert (settings.max_body_bytes, settings.data_max_display_size) == (16 * 2**20, 10 * 2**20)
    assert (settings.package_processes, settings.package_memory_mb) == (4, 512)
    assert (settings.package_sharing, settings.packaged_nodes) == ("project", frozenset())
    assert settings.api_key is None
    assert settings.prune_age_hours is None


def test_an_empty_variable_counts_as_absent():
    assert Settings.from_environment({**URL, "PORT": "", "EXECUTIONS_API_KEY": " "}).port == 8000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "70000"),
        ("EXECUTIONS_CONCURRENCY", "0"),
        ("EXECUTIONS_PACKAGE_PROCESSES", "0"),
        ("EXECUTIONS_PACKAGE_MEMORY_MB", "100"),
        ("EXECUTIONS_PACKAGE_SHARING", "nobody"),
        ("EXECUTIONS_PACKAGED_NODES", "httpRequest, code"),
        ("EXECUTIONS_TIMEZONE", "Middle/Earth"),
        ("EXECUTIONS_LEASE_SECONDS", "-1"),
        ("EXECUTIONS_HEARTBEAT_SECONDS", "nan"),
        ("EXECUTIONS_LEASE_SECONDS", "6"),
        ("EXECUTIONS_PRUNE_AGE_HOURS", "never"),
        ("EXECUTIONS_MAX_BODY_BYTES", "16MB"),
        ("EXECUTIONS_FILES_FOLDER", "/no/such/folder"),
        ("EXECUTIONS_FILES_FOLDER", "~nobody.of.this.name/files"),
        ("EXECUTIONS_WEBHOOK_URL", "hooks.example.com"),
    ],
)
def test_a_bad_value_is_refused_by_name(name, value):
    with pytest.raises(SettingsError, match=name):
        Settings.from_environment({**URL, name: value})


def test_without_an_address_the_embedded_database_is_found(tmp_path):
    environ = {"EXECUTIONS_HOME": str(tmp_path)}
    with pytest.raises(SettingsError, match="DATABASE_URL"):
        Settings.from_environment(environ)
    assert Settings.from_environment(environ, needs_database=False).database_url == ""
    (tmp_path / "database-url").write_text("postgresql://embedded\n")
    assert Settings.from_environment(environ).database_url == "postgresql://embedded"
    assert Settings.from_environment({**environ, **URL}).database_url == URL["DATABASE_URL"]


def test_a_way_around_a_pooler_needs_the_way_through_it():
    direct = {"DATABASE_DIRECT_URL": "postgresql://direct/x"}
    assert Settings.from_environment({**URL, **direct}).direct_url == "postgresql://direct/x"
    assert Settings.from_environment(URL).direct_url == URL["DATABASE_URL"]
    with pytest.raises(SettingsError, match="DATABASE_DIRECT_URL"):
        Settings.from_environment(direct, needs_database=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOST", "127.0.0.1:9000"),
        ("HOST", "unix:/run/x"),
        ("HOST", "a b"),
        ("EXECUTIONS_WORKER_HOST", "http://h"),
        ("EXECUTIONS_WEBHOOK_URL", "http://["),
        ("EXECUTIONS_WEBHOOK_URL", "http://x y"),
        ("EXECUTIONS_WEBHOOK_URL", "https://h:99999"),
        ("EXECUTIONS_WEBHOOK_URL", "https://user@h"),
        ("EXECUTIONS_WEBHOOK_URL", "https://h/?a"),
        ("EXECUTIONS_WEBHOOK_URL", "https://ü.example.com"),
        ("EXECUTIONS_FAILURE_WEBHOOK", "http://"),
        ("EXECUTIONS_FILES_FOLDER", "a" * 5_000),
        ("EXECUTIONS_PRUNE_AGE_HOURS", "9e8"),
        ("EXECUTIONS_LEASE_SECONDS", "9e8"),
        ("EXECUTIONS_POLL_SECONDS", "1e-9"),
        ("EXECUTIONS_API_KEY", "k" * 1_025),
        ("EXECUTIONS_API_KEY", "kéy-of-sixteen-or-more"),
        ("EXECUTIONS_API_KEY", "a-key-of\ntwo-lines"),
        ("EXECUTIONS_ENCRYPTION_KEY", "\udcff" * 32),
        ("EXECUTIONS_HOME", "/tmp/\udcff"),
        ("HOST", "\udcff"),
    ],
)
def test_a_value_that_would_fail_later_is_refused_at_once(name, value):
    with pytest.raises(SettingsError, match=name) as refused:
        Settings.from_environment({**URL, "EXECUTIONS_FAILURE_SECRET": "secret", name: value})
    str(refused.value).encode()


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_an_address_of_ipv6_stands_in_brackets_before_a_port(host):
    settings = Settings.from_environment({**URL, "HOST": host, "PORT": "8001"})
    assert (settings.host, settings.webhook_url) == ("::1", "http://[::1]:8001")
    assert host_and_port(settings.host, settings.port) == "[::1]:8001"


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://u:hidden pass@h/x",
        "postgresql://u:hidden%zz@h/x",
        "postgresql://u:hidden/@h/x",
        "postgresql://u:an@hidden@h/x",
        "postgresql://[u:hidden/@h/x",
        "u:hidden@h/x",
    ],
)
def test_what_is_said_of_an_address_holds_no_part_of_its_password(address):
    with pytest.raises(SettingsError, match="DATABASE_URL") as refused:
        Settings.from_environment({"DATABASE_URL": address})
    assert "hidden" not in str(refused.value)
