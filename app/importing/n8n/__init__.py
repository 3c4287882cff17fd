"""Moving in from n8n: workflows, credentials and the history of a live n8n, of its API or of its exports.

One reader a kind of source yields rows as n8n's tables have them; one writer stores what they mean here. Nothing is
ever written at the source, and nothing starts to run here before it is asked for.
"""
