"""Every SQL statement on the program's own tables, by hand; one module a resource.

Functions are named for what they do in the domain, take a connection and never commit: who calls
them owns the transaction. What leaves is a frozen dataclass. Nothing here knows HTTP, Flask or the engine.
"""
