"""The vector stores of `make run`: projects get a database for vectors, and a credential that leads there."""

import hashlib
from collections.abc import Callable
from contextlib import ExitStack

from app.credentials.errors import CannotDecrypt
from app.credentials.vault import Vault
from app.embedded import Bounds, Store, VectorServer
from app.embedded.server import HOST
from app.environment import SettingsError
from app.repository.connection import Connection, connect
from app.repository.credentials import get_credential
from app.repository.errors import CredentialNotFound
from app.repository.projects import get_projects
from app.settings import Settings
from app.settings.vector_stores import VECTOR_STORES, tell_address

CREDENTIAL_NAME = "Vector store of this server"
TYPE = "postgres"
FOLDER = "vectors"


def start_vector_stores(settings: Settings, running: ExitStack, say: Callable[[str], None]) -> VectorServer | None:
    """Start the server of the stores that the settings ask for, until `running` is closed; None: they ask for none.

    Raises SettingsError for a project that is not there, and what the server raises.
    """
    wanted = settings.vector_stores
    if not wanted.projects:
        return None
    with connect(settings.direct_url) as connection:
        unknown = set(wanted.projects) - set(get_projects(connection, wanted.projects))
    if unknown:
        raise SettingsError(f"{VECTOR_STORES} names a project that is not there: {min(unknown)}")
    folder = settings.home / FOLDER
    say(f"Starting the PostgreSQL of the vector stores in {folder}")
    bounds = Bounds(wanted.bytes, wanted.connections, wanted.memory_mb, wanted.seconds)
    server = VectorServer(folder, bounds)
    running.callback(server.stop)
    stores = server.start(wanted.projects)
    vault = Vault(settings)
    with connect(settings.direct_url) as connection:
        for project, store in stores.items():
            _store_credential(connection, vault, project, store, wanted.connections)
    port = next(iter(stores.values())).port
    running.callback(tell_address(settings.home, HOST, port, stores).unlink, missing_ok=True)
    return server


def _store_credential(connection: Connection, vault: Vault, project: str, store: Store, connections: int) -> None:
    """Let the project's credential lead to its store, whatever somebody has made of it since."""
    credential_id = hashlib.sha256(f"vector store {project}".encode()).hexdigest()[:16]
    data = {
        "host": HOST,
        "port": store.port,
        "database": store.name,
        "user": store.name,
        "password": store.password,
        "maxConnections": max(1, connections // 2),
        "allowUnauthorizedCerts": False,
        "ssl": "disable",
        "sshTunnel": False,
    }
    try:
        if vault.read_in_project(connection, project, credential_id, TYPE) == data:
            return
    except CannotDecrypt:
        pass  # it is written anew
    try:
        credential = get_credential(connection, credential_id)
        vault.update(connection, credential, name=None, data=data, type=TYPE)
    except CredentialNotFound:
        vault.create(connection, credential_id, name=CREDENTIAL_NAME, type=TYPE, project_id=project, data=data)
