"""Runs one workflow graph: its items, errors, graph, node types, state, scope and context. Knows no node."""
