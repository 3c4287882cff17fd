"""Merge, all versions."""
