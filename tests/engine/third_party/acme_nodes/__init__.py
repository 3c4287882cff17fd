"""Nodes of Acme."""
