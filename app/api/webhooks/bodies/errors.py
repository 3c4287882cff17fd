"""What may be wrong with a body."""


class UnreadableBody(Exception):
    """The body is not what its type says, or is more than its kind may be; the message says what."""


class BodyTooLarge(Exception):
    """The body is larger than this server takes once it is decoded."""


class UnknownCoding(Exception):
    """The body is in a coding that is not understood here."""
