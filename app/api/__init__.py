"""The HTTP API: a view parses, calls the repository and renders; it holds no SQL and no rules."""
