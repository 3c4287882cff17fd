"""Errors of encryption."""


class CannotDecrypt(Exception):
    """No key is the one that this was encrypted with, or what was stored has been changed."""

    def __init__(self) -> None:
        super().__init__(
            "The credential cannot be decrypted: EXECUTIONS_ENCRYPTION_KEY (or the file encryption-key in "
            "EXECUTIONS_HOME) is not the key that it was encrypted with"
        )
