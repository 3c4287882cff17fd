"""What comes in has a bound, and so has what is said about it."""

import importlib
import pkgutil
import sys
import tarfile
from collections.abc import Iterator
from typing import Any

import pytest
from marshmallow import INCLUDE, ValidationError, fields, validate

import app.schemas
from app.schemas.base import MAX_ERRORS, MAX_FIELDS, BoundedList, BoundedObject, StrictSchema, validate_text
from app.schemas.credentials import CredentialBody
from app.schemas.execution_actions import DeleteBody, StopManyBody
from app.schemas.node_parameters import NodeParameterQuestion
from app.schemas.tar_entries import MAX_ENTRIES, files_of
from app.schemas.workflows import RunBody, WorkflowBody

ELSEWHERE = {
    "cursor": "the address that it stands in is bounded, and it must be one of ours",
    "type": "one of the forms of a name, or passed over",
    "id": "passed over where it is not that of a tag",
}
WORKFLOW: dict[str, Any] = {"name": "x", "nodes": [], "connections": {}}


def taken() -> Iterator[Any]:
    """Every field that a body or a query string may have."""
    for module in pkgutil.iter_modules(app.schemas.__path__):
        for name, schema in vars(importlib.import_module(f"app.schemas.{module.name}")).items():
            if isinstance(schema, type) and issubclass(schema, StrictSchema) and schema is not StrictSchema:
                for field_name, field in schema().load_fields.items():
                    yield pytest.param(field_name, field, id=f"{name}.{field_name}")


@pytest.mark.parametrize(("name", "field"), list(taken()))
def test_texts_and_lists_have_a_length(name, field):
    if isinstance(field, fields.List):
        assert isinstance(field, BoundedList)
        field = field.inner
    if isinstance(field, fields.Dict) and field.value_field is not None:
        assert isinstance(field, BoundedObject)
        assert any(isinstance(each, validate.Length) for each in field.validators)
    if type(field) is fields.String and name not in ELSEWHERE:
        assert any(isinstance(each, validate.Length | validate.OneOf) for each in field.validators)


@pytest.mark.parametrize(
    ("schema", "make"),
    [
        (WorkflowBody, lambda: {**WORKFLOW, "nodes": [1] * 100_000}),
        (RunBody, lambda: {"input": [1] * 100_000}),
        (RunBody, lambda: {"input": [{}] * 100_001}),
        (RunBody, lambda: {"wait": 1, **{f"x{number}": 1 for number in range(100_000)}}),
        (DeleteBody, lambda: {"ids": [1] * 100_000}),
        (DeleteBody, lambda: {f"x{number}": 1 for number in range(100_000)}),
        (StopManyBody, lambda: {"filter": {f"x{number}": 1 for number in range(100_000)}}),
        (StopManyBody, lambda: {"filter": {"status": [{}] * 100_000}}),
        (NodeParameterQuestion, lambda: {"credentials": {f"x{number}": {} for number in range(100_000)}}),
        (
            CredentialBody,
            lambda: {"name": "x", "type": "jwtAuth", "data": {f"x{number}": 1 for number in range(100_000)}},
        ),
    ],
)
def test_little_is_said_of_much_that_is_wrong(schema, make):
    with pytest.raises(ValidationError) as refused:
        schema().load(make())
    assert count(refused.value.messages) <= MAX_ERRORS


@pytest.mark.parametrize("schema", [WorkflowBody, CredentialBody])
@pytest.mark.parametrize("project", ["", "x" * 65, "a\0b"])
def test_a_projects_id_is_short_and_printable(schema, project):
    body = WORKFLOW if schema is WorkflowBody else {"name": "x", "type": "jwtAuth", "data": {}}
    with pytest.raises(ValidationError) as refused:
        schema().load({**body, "projectId": project})
    assert list(refused.value.messages_dict) == ["projectId"]


def test_no_step_in_python_is_made_for_each_letter_of_a_name():
    steps = []
    sys.setprofile(lambda frame, event, argument: steps.append(event))
    try:
        validate_text("x" * 10_000)
    finally:
        sys.setprofile(None)
    assert len(steps) < 100


def test_an_archive_of_folders_has_few_entries():
    folder = tarfile.TarInfo("folder")
    folder.type = tarfile.DIRTYPE
    assert not list(files_of(folder.tobuf() * MAX_ENTRIES))
    with pytest.raises(ValueError, match="too many entries"):
        list(files_of(folder.tobuf() * (MAX_ENTRIES + 1)))


def test_what_keeps_all_keys_may_have_many():
    assert WorkflowBody().unknown == INCLUDE
    assert len(WorkflowBody().load(WORKFLOW | {f"x{number}": 1 for number in range(MAX_FIELDS + 1)})) > MAX_FIELDS


def count(messages: Any) -> int:
    return sum(map(count, messages.values())) if isinstance(messages, dict) else 1
