"""Executions: lists, reads, what is done to one or to many, and their data on its way out."""
