"""The numbers of executions that an older n8n's API does not list, though it gives each: what waits, was canceled or
crashed."""

from collections.abc import Iterable, Iterator, Sequence

MOST_LOOKED_FOR = 1_000
"""Numbers without an execution on the list, the highest first: n8n may have deleted all of them."""
MOST_AHEAD = 20
"""How many numbers in a row above the newest execution may have none."""


def numbers_between(pages: Iterable[Sequence[int]], above: int) -> Iterator[int]:
    """The numbers that are missing on pages that begin with the newest, the highest first, down to `above`."""
    last: int | None = None
    for page in pages:
        for number in page:
            if last is not None:
                yield from range(last - 1, number, -1)
            last = number
    if last is not None:
        yield from range(last - 1, above, -1)


def say_what_was_found(found: int, looked_for: int) -> str:
    """A sentence for the report."""
    said = "n8n's API is too old to list all executions, as those that run or wait, crashed or were canceled"
    if looked_for < MOST_LOOKED_FOR:
        return f"{said}: {found:,} were found by their numbers."
    return f"{said}: {found:,} were found by the newest {looked_for:,} numbers that are missing. Its database has all."
