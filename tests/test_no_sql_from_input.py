"""No statement of the program is put together from text: values are parameters, names are Identifiers."""

import ast
from pathlib import Path

import pytest

APP = Path(__file__).resolve().parent.parent / "app"
STATEMENT = ("SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH ", "FROM ", "WHERE ")
EXCEPTED = {
    "engine/nodes/postgres/": "statements of the workflow's author, for the author's own database",
    "migrations.py": "yoyo takes text; what is put in are names of tables, constant ones or as PostgreSQL quotes them",
    "doctor/server.py": "advice that an operator reads: nothing runs it",
}
MODULES = [
    path
    for path in sorted(APP.rglob("*.py"))
    if not path.relative_to(APP).as_posix().startswith(tuple(EXCEPTED))
    and any(word in path.read_text() for word in (*STATEMENT, "psycopg"))
]


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


def test_no_text_is_glued_to_sql() -> None:
    found = {path.relative_to(APP).as_posix(): glued(ast.parse(path.read_text())) for path in MODULES}
    assert {name: lines for name, lines in found.items() if lines} == {}
    assert {"repository/executions.py", "importing/n8n/queries.py"} <= found.keys()


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
