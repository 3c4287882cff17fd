"""The bodies that callers of webhooks send, each read within bounds of length, depth, time and memory.

Whoever knows an address may send one, so nothing here grows faster than the body's length or holds it many times over:
what is JSON in the end is made or passed on as text, and never as Python's objects.
"""
