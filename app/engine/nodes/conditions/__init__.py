"""Nodes that decide by conditions (IF, Filter, Switch), and the conditions of both generations."""
