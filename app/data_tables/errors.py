"""What can be wrong with what is asked of a data table."""


class InvalidData(Exception):
    """A value, a filter or a name cannot be. The message is fit for whoever asked."""


class Mismatch(InvalidData):
    """It does not fit the table; said as n8n says it."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Validation error with data table request: {reason}")


class ReservedName(InvalidData):
    """A column cannot have this name, because every table has such a column already."""


class TooManyRows(InvalidData):
    """More rows are meant than can be handed out at once; nothing was done."""


class TablesFull(InvalidData):
    """The tables of the project would take more room than they may."""
