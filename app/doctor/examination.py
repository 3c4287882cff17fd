"""The order in which a deployment is looked over."""

from collections.abc import Iterator, Sequence

import psycopg

from app.doctor.finding import LISTED, Finding
from app.doctor.host import examine_host
from app.doctor.server import examine_bloat, examine_pooler, examine_replica, examine_server, examine_what_stays
from app.doctor.work import examine_encryption, examine_notices, examine_packages, examine_queue, examine_run_data
from app.migrations import pending, unknown
from app.repository.connection import connect
from app.settings import Settings


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at everything in turn; what a missing database or migration makes pointless is left out."""
    try:
        connection = connect(settings.direct_url, autocommit=True)
    except psycopg.OperationalError as error:
        advice = "check DATABASE_URL and that PostgreSQL runs"
        if "unsupported startup parameter" in str(error):
            advice = "this is PgBouncer: set DATABASE_DIRECT_URL to the address of PostgreSQL itself"
        elif "failed to resolve host" in str(error):
            advice = "check the host; @ : / in a password are percent-encoded in DATABASE_URL (%40 %3A %2F)"
        yield Finding("database", str(error).strip(), advice)
        yield from examine_host(settings)
        return
    with connection:
        yield from examine_server(connection, settings)
        missing = pending(connection)
        if missing:
            yield Finding("migrations", f"missing: {shorten(missing)}", "run `flask migrate`")
            yield from examine_host(settings)
            return
        newer = unknown(connection)
        yield Finding(
            "migrations",
            f"newer than this program: {shorten(newer)}" if newer else "all applied",
            "replace this program by the version that they came with" if newer else None,
        )
        yield from examine_pooler(connection, settings)
        yield from examine_replica(connection, settings)
        yield from examine_encryption(connection, settings)
        yield from examine_queue(connection, settings)
        yield from examine_run_data(connection)
        yield from examine_packages(connection, settings)
        yield from examine_notices(connection, settings)
        yield from examine_bloat(connection)
        yield from examine_what_stays(connection)
    yield from examine_host(settings)


def shorten(names: Sequence[str]) -> str:
    """These names, or how many there are from which to which."""
    return ", ".join(names) if len(names) <= LISTED else f"{len(names)} from {names[0]} to {names[-1]}"
