"""Data tables over HTTP: tables, their columns, their rows."""
