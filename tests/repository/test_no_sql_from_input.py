"""No statement of the repository is put together from text: values are parameters, names are Identifiers."""

import ast
from pathlib import Path

import pytest

from app import repository

MODULES = sorted(Path(repository.__path__[0]).rglob("*.py"))
STATEMENT = ("SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH ", "FROM ", "WHERE ")


def looks_like_sql(node: ast.AST) -> bool:
    return any(
        isinstance(part, ast.Constant) and isinstance(part.value, str) and any(word in part.value for word in STATEMENT)
        for part in ast.walk(node)
    )


def glued(tree: ast.AST) -> list[int]:
    """Lines that glue text to SQL: f-strings, %, +, str.format and join over it."""
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) and looks_like_sql(node):
            lines.append(node.lineno)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod | ast.Add) and looks_like_sql(node):
            lines.append(node.lineno)
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("format", "join", "replace")
            and isinstance(node.func.value, ast.Constant)
            and looks_like_sql(node.func.value)
        ):
            lines.append(node.lineno)
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "SQL"
            and not (node.args and isinstance(node.args[0], ast.Constant))
        ):
            lines.append(node.lineno)
    return lines


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_no_text_is_glued_to_sql(module: Path) -> None:
    assert glued(ast.parse(module.read_text())) == []


@pytest.mark.parametrize(
    "bad",
    [
        "execute(f'SELECT 1 FROM {table}')",
        "execute('SELECT 1 WHERE id = %s' % value)",
        "execute('DELETE FROM ' + table)",
        "execute('SELECT {}'.format(column))",
        "sql.SQL(text)",
    ],
)
def test_the_rule_sees_what_it_forbids(bad: str) -> None:
    assert glued(ast.parse(bad)) != []
