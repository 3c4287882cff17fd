"""Runs one workflow graph in memory; knows no HTTP and no SQL."""
