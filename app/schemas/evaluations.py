"""Parameters of a node as they were evaluated: what is asked for, the answer, and who gives it.

How expressions are evaluated is the engine's; it comes in from outside as Evaluations.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from marshmallow import fields, validate

from app.schemas.base import CamelSchema, StrictSchema
from app.schemas.run_data import MAX_NAME_LENGTH, number_field


@dataclass(frozen=True, slots=True)
class ItemPlace:
    """An item that a run of a node was given. All count from 0."""

    node: str
    run: int = 0
    item: int = 0


@dataclass(frozen=True, slots=True)
class Recorded:
    """An execution with what it has recorded: `workflow` is the document that ran, `data` the run's as JSON."""

    execution_id: str
    mode: str
    workflow: Mapping[str, Any]
    data: bytes


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter that is an expression: where it stands, what it says, and what it gave, as JSON.

    `missing`: undefined, NaN, Infinity or -Infinity, where `value` is null because JSON has no word for it. `error`:
    why there is no value.
    """

    path: str
    configured: str
    value: bytes
    missing: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The expressions of a node. `items`: how many the run was given; `left_out`: expressions beyond the bound."""

    items: int
    parameters: Sequence[Parameter]
    left_out: int


class Evaluations(Protocol):
    """Evaluates recorded expressions once more; nothing runs."""

    def evaluate(
        self, recorded: Recorded, place: ItemPlace, read_variables: Callable[[], dict[str, str]] | None
    ) -> Evaluation:
        """The expressions of a node for one item; to be called outside of any transaction.

        `read_variables` is called where one asks for variables; None: they may not be seen. Raises NodeDataNotFound
        for a run or an item that there was not, Conflict for what cannot be evaluated, or not in time.
        """


class EvaluationQuery(StrictSchema):
    """Which node, and which of the items that it was given."""

    node = fields.String(
        required=True, validate=validate.Length(1, MAX_NAME_LENGTH), metadata={"description": "The node's name."}
    )
    run = number_field("Which of its runs, from 0.")
    item = number_field("Which of the items that the run was given, from 0.")


class ParameterSchema(CamelSchema):
    """An expression of a node: where it stands, what it says, and its value or why there is none."""

    path = fields.String(required=True, metadata={"example": "assignments.assignments[0].value"})
    configured = fields.String(required=True, metadata={"example": "={{ $json.amount * 2 }}"})
    value = fields.Raw(required=True, allow_none=True, metadata={"description": "Any JSON.", "example": 84})
    missing = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "undefined, NaN, Infinity or -Infinity: what JSON has no word for; value is null."},
    )
    error = fields.String(required=True, allow_none=True, metadata={"description": "Why there is no value."})


class EvaluationSchema(CamelSchema):
    """The parameters of a node that are expressions, with their values."""

    node = fields.String(required=True)
    run = fields.Integer(required=True)
    item = fields.Integer(required=True)
    items = fields.Integer(required=True, metadata={"description": "How many items the run was given."})
    parameters = fields.List(fields.Nested(ParameterSchema), required=True)
    left_out = fields.Integer(
        required=True, metadata={"description": "How many expressions follow that are not evaluated."}
    )
