"""Nodes that run a program of the workflow's author: Code, and the Function nodes before it."""
