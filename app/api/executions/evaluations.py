"""The parameters of a node as they were evaluated for an item of one of its runs."""

from typing import Any

import orjson
from flask import Response

from app.api.evaluating import evaluating, read_variables
from app.api.executions.data_budget import largest, room_for
from app.api.executions.executions import require_execution_id
from app.api.face.answers import answer
from app.api.face.auth import allows, caller
from app.api.face.blueprint import Blueprint
from app.api.face.long_calls import place_of
from app.api.face.reads import from_primary_after_all, reading
from app.api.face.services import services
from app.repository.connection import Connection
from app.repository.damaged_data import read_intact
from app.repository.errors import Conflict, ExecutionNotFound
from app.repository.execution_data import DataDamaged, read_data
from app.repository.executions import Execution, get_execution
from app.repository.workflows import get_versions
from app.schemas.evaluations import Evaluation, EvaluationQuery, EvaluationSchema, ItemPlace, Recorded

MAX_BYTES = 4 * 2**20
"""Run data that is read whole, in bytes of its JSON."""
MEMORY_OF_A_BYTE = 8
"""What the values in JSON take, mostly."""
TOO_MANY = "Too many expressions are being evaluated at the moment"

blueprint = Blueprint(
    "executions-parameters", __name__, url_prefix="/api/v1/executions", description="Parameters with their values."
)


@blueprint.endpoint(
    "GET",
    "/<execution_id>/parameters",
    scope="execution:read",
    query=EvaluationQuery,
    answer=EvaluationSchema,
    errors=[404, 409],
)
@from_primary_after_all
def get_node_parameters(query: dict[str, Any], execution_id: str) -> Response:
    """Read the parameters of a node that are expressions, with their values for an item of one of its runs.

    They are evaluated once more, against what the run has recorded; nothing runs. `$now` and `$vars` are those of
    today, `$vars` for keys with `variable:list` only; a loop's `context` is that of the end of the run.
    """
    place = ItemPlace(query["node"], query["run"], query["item"])
    return answer(render(place, evaluate(execution_id, place)))


def render(place: ItemPlace, evaluation: Evaluation) -> dict[str, Any]:
    """The parameters of a node with their values, for JSON."""
    parameters = [
        {
            "path": each.path,
            "configured": each.configured,
            "value": orjson.Fragment(each.value),
            "missing": each.missing,
            "error": each.error,
        }
        for each in evaluation.parameters
    ]
    where = {"node": place.node, "run": place.run, "item": place.item, "items": evaluation.items}
    return {**where, "parameters": parameters, "leftOut": evaluation.left_out}


def evaluate(execution_id: str, place: ItemPlace) -> Evaluation:
    """The expressions of a node. To be called in a view that is `from_primary_after_all`, without a connection.

    Raises NotFound, Conflict, and Refused when too many are being evaluated already.
    """
    number = require_execution_id(execution_id)
    with reading() as connection:
        execution = get_execution(connection, number, project_id=caller().project_id)
    size = check_size(execution) * MEMORY_OF_A_BYTE
    may_see = allows(caller(), "variable:list")
    place_for_runs = services().long_calls.evaluations_of_runs.taken(execution.project_id)
    with (
        place_of(place_for_runs, TOO_MANY, retry_after=2),
        evaluating(TOO_MANY, execution.project_id),
        room_for(size),
    ):
        with reading() as connection:
            recorded = read_recorded(connection, execution)
        variables = (lambda: read_variables(execution.project_id)) if may_see else None
        return services().evaluations.evaluate(recorded, place, variables)


def check_size(execution: Execution) -> int:
    """The bytes of the run's data. Raises Conflict where there are none, or too many."""
    size, most = execution.json_size_bytes, min(MAX_BYTES, largest() // MEMORY_OF_A_BYTE)
    if not size:
        raise Conflict("The execution has recorded nothing yet")
    if size > most:
        raise Conflict(
            f"The execution's data has {size:,} bytes: above {most:,} no expressions are evaluated against it"
        )
    return size


def read_recorded(connection: Connection, execution: Execution) -> Recorded:
    """What the execution has recorded. Raises ExecutionNotFound, Conflict."""
    version = get_versions(connection, [execution.workflow_version_id]).get(execution.workflow_version_id)
    if None in read_intact(connection, [execution.id]).values():
        raise Conflict(str(DataDamaged(execution.id)))
    data = read_data(connection, [execution.id]).get(execution.id)
    if version is None:
        raise ExecutionNotFound
    if data is None:
        raise Conflict("The execution's data is gone")
    document = {**orjson.loads(version.definition), "id": version.workflow_id, "name": version.name}
    return Recorded(str(execution.id), execution.mode, document, data)
