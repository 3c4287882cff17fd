"""How a worker reaches PostgreSQL."""

from app.repository.connection import reading
from app.settings import Settings
from app.worker.database import open_worker_pool
from tests.worker.conftest import LEASE


def test_a_transaction_without_its_worker_is_over_before_the_lease(database_url: str, tmp_path) -> None:
    """Else what a host that was cut off ran could not be given up when its lease is over: its rows are locked."""
    environ = {"DATABASE_URL": database_url, "EXECUTIONS_HOME": str(tmp_path), **LEASE}
    settings = Settings.from_environment({name: str(value) for name, value in environ.items()})
    query = "SELECT extract(epoch FROM current_setting('idle_in_transaction_session_timeout')::interval)"
    with open_worker_pool(settings, size=1, name="test") as pool, reading(pool) as connection:
        assert 0 < connection.execute(query).fetchone()[0] < settings.lease_seconds
