"""Calls from outside that start workflows, or end the wait of an execution."""
