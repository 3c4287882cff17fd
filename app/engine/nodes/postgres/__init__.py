"""Postgres: the node, its connection and its SQL."""
