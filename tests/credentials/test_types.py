"""The types of credentials: each is found by its module, and says what is wrong with data without repeating it."""

from importlib import import_module
from pkgutil import iter_modules

import pytest

import app.credentials.types
from app.credentials.types import TYPES

SECRET = "very-secret-value"


def test_each_module_is_one_type_of_its_own_name() -> None:
    modules = [
        import_module(f"app.credentials.types.{each.name}") for each in iter_modules(app.credentials.types.__path__)
    ]
    assert {module.TYPE.name for module in modules} == TYPES.keys()
    assert len(modules) == len(TYPES)
    assert all(module.TYPE.name.lower() == module.__name__.rpartition(".")[2].replace("_", "") for module in modules)


@pytest.mark.parametrize(
    ("kind", "data", "wrong"),
    [
        ("httpBasicAuth", {"user": "a", "password": SECRET}, set()),
        ("httpBasicAuth", {"user": 5, SECRET: "a"}, {"user", SECRET}),
        ("postgres", {"port": True}, {"port"}),
        ("postgres", {"port": 5432, "ssl": SECRET}, {"ssl"}),
        ("jwtAuth", {"algorithm": "HS256", "keyType": "passphrase"}, set()),
        ("jwtAuth", {"algorithm": "none"}, set()),
        ("httpCustomAuth", {}, {"json"}),
        ("httpCustomAuth", {"json": {"headers": {}}}, set()),
        ("httpCustomAuth", {"json": 5}, {"json"}),
        ("httpHeaderAuth", {"name": "a", "value": SECRET, "useCustomAuth": ""}, set()),
    ],
)
def test_problems_name_the_field_and_repeat_no_value(kind: str, data: dict, wrong: set[str]) -> None:
    problems = TYPES[kind].problems(data)
    assert problems.keys() == wrong
    assert SECRET not in "".join(problems.values())


def test_what_must_be_there_to_prove_a_caller() -> None:
    assert TYPES["httpBasicAuth"].can_prove_caller({"user": "a", "password": "b"})
    assert not TYPES["httpBasicAuth"].can_prove_caller({"user": "a", "password": ""})
    assert not TYPES["httpHeaderAuth"].can_prove_caller({"value": "a"})
