"""What leaves the repository has names, and nobody can change it."""

import importlib
import inspect
import pkgutil
from dataclasses import is_dataclass
from typing import Any, get_origin, get_type_hints

import pytest

from app import repository
from app.repository.connection import Connection

MODULES = [importlib.import_module(m.name) for m in pkgutil.walk_packages(repository.__path__, "app.repository.")]


def own(kind: Any) -> list[Any]:
    """Classes or functions of the repository, each where it is defined."""
    return [
        pytest.param(value, id=f"{module.__name__}.{name}")
        for module in MODULES
        for name, value in vars(module).items()
        if kind(value) and value.__module__ == module.__name__ and not name.startswith("_")
    ]


@pytest.mark.parametrize("record", own(lambda value: inspect.isclass(value) and is_dataclass(value)))
def test_a_record_is_frozen(record):
    assert record.__dataclass_params__.frozen
    assert "__slots__" in vars(record)


@pytest.mark.parametrize("function", own(inspect.isfunction))
def test_what_a_statement_gives_is_no_bare_tuple(function):
    hints = get_type_hints(function)
    if Connection in hints.values():
        assert get_origin(hints["return"]) is not tuple, "return a frozen dataclass, whose fields have names"
