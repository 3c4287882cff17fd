"""Runs one workflow graph in memory; knows no HTTP server, and no SQL of this program."""
