"""What executions begin with, as it is stored: their input, and the data of a part that ran before."""

from collections.abc import Sequence
from typing import NamedTuple

from app.repository import executions, relatives
from app.repository.connection import Connection
from app.repository.execution_data import read_data
from app.repository.executions import ExecutionInput
from app.repository.lifecycle import Claim

MANY_STORED_BYTES = 2**20
"""Of items, as they are stored: PostgreSQL compresses what repeats itself to a hundredth."""
MANY_BYTES = 2**22
"""Of the data of a part that ran before, as JSON."""


class Given(NamedTuple):
    """What one execution begins with. `earlier_unread`: there is data of a part that ran before, but not here, because
    it is large."""

    input: ExecutionInput
    earlier: bytes | None
    earlier_unread: bool


def read_given(connection: Connection, claims: Sequence[Claim], *, large: bool) -> dict[int, Given]:
    """What these begin with; what is `large` only if that is wanted, which may take many seconds."""
    inputs = executions.read_inputs(connection, [claim.id for claim in claims], None if large else MANY_STORED_BYTES)
    nothing = ExecutionInput()
    wanted = {claim.id: inputs.get(claim.id, nothing) for claim in claims}
    going_on = [claim for claim in claims if claim.resumed or wanted[claim.id].restart.place != "start"]
    earlier, unread = read_earlier(connection, going_on, large=large)
    return {claim.id: Given(wanted[claim.id], earlier.get(claim.id), claim.id in unread) for claim in claims}


def read_earlier(connection: Connection, claims: Sequence[Claim], *, large: bool) -> tuple[dict[int, bytes], set[int]]:
    """The data of the part that ran before, for those that go on: their own, or that of the execution that they retry.
    And those for which it is large, and was not read.

    Where that one is a retry and has none (its worker was lost, or it was stopped before it began), it is the data
    that it had itself gone on from.
    """
    wanted = ((claim.id, claim.id if claim.resumed else claim.retry_of) for claim in claims)
    sources = {claim_id: source for claim_id, source in wanted if source is not None}
    if not sources:
        return {}, set()
    data, left = _read_data(connection, set(sources.values()), large=large)
    if lacking := [claim_id for claim_id, source in sources.items() if source not in data and source not in left]:
        found = relatives.find_originals_with_data(connection, lacking)
        if found:
            more, more_left = _read_data(connection, set(found.values()), large=large)
            data, left = data | more, left | more_left
        sources |= found
    unread = {claim_id for claim_id, source in sources.items() if source in left}
    return {claim_id: data[source] for claim_id, source in sources.items() if source in data}, unread


def _read_data(connection: Connection, ids: set[int], *, large: bool) -> tuple[dict[int, bytes], set[int]]:
    """The data of these executions, and those of which it is large and was left out."""
    left = set() if large else executions.with_more_data(connection, list(ids), MANY_BYTES)
    return read_data(connection, list(ids - left)) if ids - left else {}, left
