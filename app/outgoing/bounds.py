"""How large a response may be."""

MAX_RESPONSE_BYTES = 64 * 2**20
MAX_HEAD_BYTES = 16 * 2**10
"""Of its headers, as many as Node.js reads."""
MAX_HEADS_BYTES = 64 * 2**10
"""Of all that comes before a response: a server may send `103 Early Hints` and their like as often as it likes."""


class ResponseTooLarge(Exception):
    """A response went on beyond the limit."""
