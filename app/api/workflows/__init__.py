"""Workflows: kept in versions, activated, run."""
