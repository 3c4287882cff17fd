"""How large a response may be."""

MAX_RESPONSE_BYTES = 64 * 2**20
MAX_HEAD_BYTES = 16 * 2**10
"""Of its headers, as many as Node.js reads."""


class ResponseTooLarge(Exception):
    """A response went on beyond the limit."""
