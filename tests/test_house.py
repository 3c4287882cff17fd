"""What the house says of its statements: they are in the repository, written by hand, and never put together from text.
And of what changes: it belongs to an application or a worker, so that two of them can live in one process.

What rooms may import, the contracts in setup.cfg say.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from configparser import ConfigParser
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
REPOSITORY = sorted((PROJECT / "app" / "repository").rglob("*.py"))

ELSEWHERE = {
    "app/credential_tests.py": "asks a database of somebody else whether it answers",
    "app/embedded/server.py": "makes the database",
    "app/embedded/vectors.py": "makes and watches the databases of vector stores",
    "app/engine/nodes/merge/sql.py": "what people write, as an example",
    "app/engine/nodes/postgres": "statements on databases of somebody else",
    "app/importing/n8n/postgresql.py": "reads n8n's database",
    "app/importing/n8n/queries.py": "reads n8n's database",
    "app/importing/n8n/spool.py": "a file of its own, of SQLite",
    "app/importing/n8n/sqlite.py": "reads n8n's database",
    "app/importing/n8n/version_spool.py": "a file of its own, of SQLite",
    "app/migrations.py": "makes the tables, and keeps the list of migrations",
}
STATEMENT = re.compile(
    r"\s*(SELECT\s|INSERT INTO\s|UPDATE\s+\w+\s+(AS|SET)\s|DELETE FROM\s|WITH\s+(RECURSIVE\s+)?\w+\s+AS\s|LOCK TABLE\s"
    r"|(CREATE|ALTER|DROP)\s+(TABLE|INDEX|DATABASE)\s|NOTIFY\s|LISTEN\s|TRUNCATE\s)"
)
MAY_BEGIN = re.compile(r"""["']\s*(SELECT|INSERT|UPDATE|DELETE|WITH|LOCK|CREATE|ALTER|DROP|NOTIFY|LISTEN|TRUNCATE)\s""")
PARTS = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|FROM|WHERE|ORDER BY|RETURNING|VALUES)\b")
STAR = re.compile(r"(SELECT|RETURNING|,)\s+(\w+\.)?\*")


def program() -> Iterator[Path]:
    for file in sorted((PROJECT / "app").rglob("*.py")):
        if "node_modules" not in file.parts and file not in REPOSITORY:
            yield file


def texts_of(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The texts of a module, but for docstrings."""
    nodes = list(nodes)
    told = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.value


def test_statements_are_in_the_repository_alone() -> None:
    elsewhere = set()
    for file in program():
        text = file.read_text()
        if MAY_BEGIN.search(text) and any(STATEMENT.match(each) for each in texts_of(ast.walk(ast.parse(text)))):
            path = file.relative_to(PROJECT).as_posix()
            elsewhere.add(next((known for known in ELSEWHERE if path.startswith(known)), path))
    assert elsewhere == set(ELSEWHERE)


Nodes = dict[str, list[ast.AST]]


@pytest.fixture(scope="module")
def repository() -> Nodes:
    """All that its modules say, by path."""
    return {file.relative_to(PROJECT).as_posix(): list(ast.walk(ast.parse(file.read_text()))) for file in REPOSITORY}


def calls_of(nodes: Iterable[ast.AST], method: str) -> Iterator[ast.Call]:
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method:
            yield node


def test_no_statement_is_put_together_from_text(repository: Nodes) -> None:
    for path, nodes in repository.items():
        for node in nodes:
            if isinstance(node, ast.JoinedStr):
                parts = [part.value for part in node.values if isinstance(part, ast.Constant)]
                assert not any(PARTS.search(str(part)) for part in parts), f"{path}:{node.lineno}"
        for call in calls_of(nodes, "SQL"):
            assert isinstance(call.args[0], ast.Constant), f"{path}:{call.lineno}"


def test_columns_are_named(repository: Nodes) -> None:
    for path, nodes in repository.items():
        for text in texts_of(nodes):
            assert not STAR.search(text), f"{path}: {text}"


def test_who_calls_the_repository_owns_the_transaction(repository: Nodes) -> None:
    committing = {path for path, nodes in repository.items() if any(calls_of(nodes, "commit"))}
    assert not committing


def test_what_leaves_the_repository_does_not_change(repository: Nodes) -> None:
    for path, nodes in repository.items():
        for shape in (node for node in nodes if isinstance(node, ast.ClassDef)):
            for decorator in map(ast.unparse, shape.decorator_list):
                assert "dataclass" not in decorator or "frozen=True" in decorator, f"{path}: {shape.name}"


NODE_TYPE = re.compile(r"n8n-nodes-base\.\w+|@n8n/n8n-nodes-langchain\.\w+")
NAMED = {"app/engine/run/children.py": {"n8n-nodes-base.executeWorkflowTrigger"}}
"""Where a sub-workflow begins is read from its document, before its types are known."""


def test_what_runs_a_workflow_names_no_node_type() -> None:
    for file in sorted((PROJECT / "app" / "engine" / "run").glob("*.py")):
        path = file.relative_to(PROJECT).as_posix()
        named = {name for text in texts_of(ast.walk(ast.parse(file.read_text()))) for name in NODE_TYPE.findall(text)}
        assert named == NAMED.get(path, set()), path


MUTABLE = {
    "BoundedDict", "ContextVar", "Counter", "Event", "Lock", "NodeTypes", "OrderedDict", "Semaphore", "Shares",
    "WeakKeyDictionary", "WeakSet", "WeakValueDictionary", "defaultdict", "deque", "dict", "list", "local", "set",
}  # fmt: skip
GLOBAL = {
    "app/engine/nodes/postgres/connecting.py: _places": "bounds the threads of this process that connect",
    "app/engine/run/computing.py: _turn": "each context has its own",
    "app/engine/run/computing.py: _turned_at": "when the loop of this process has turned",
    "app/engine/run/registry.py: registered": "filled when modules are imported; who uses it takes a copy",
    "app/engine/sandbox/bundles.py: _made": "files of this program, put together once",
    "app/outgoing/client.py: _loaded": "whether libraries are imported",
    "app/outgoing/lookups.py: _places": "bounds the threads of this process that look names up, by loop",
    "app/private_keys.py: _under_way": "bounds what this process computes at once",
    "app/private_keys.py: _valid": "hashes of keys that were tested: the same for whoever asks",
}
"""What changes and belongs to no application, and why it may."""


def changing_names(text: str) -> Iterator[str]:
    """The names of a module that are bound to something that changes, or are bound anew by its functions."""
    tree = ast.parse(text)
    for statement in tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and (value := statement.value) is not None:
            called = ast.unparse(value.func).rpartition(".")[2].partition("[")[0] if isinstance(value, ast.Call) else ""
            empty = (isinstance(value, ast.Dict) and not value.keys) or (isinstance(value, ast.List) and not value.elts)
            if empty or called in MUTABLE:
                target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
                yield ast.unparse(target)
    for node in ast.walk(tree) if re.search(r"\bglobal \w", text) else ():
        if isinstance(node, ast.Global):
            yield from node.names


def test_what_changes_belongs_to_an_application_or_a_worker() -> None:
    found = set()
    for file in (*program(), *REPOSITORY):
        names = changing_names(file.read_text())
        found |= {f"{file.relative_to(PROJECT).as_posix()}: {name}" for name in names}
    assert found == set(GLOBAL)


def test_files_are_read_alike_whatever_the_locale_is() -> None:
    named = re.compile(r"\.read_text\(\)")
    found = [path for path in sorted((PROJECT / "app").rglob("*.py")) if named.search(path.read_text("utf-8"))]
    assert not found, "read_text() without an encoding takes that of the locale"


@pytest.fixture(scope="module")
def contracts() -> ConfigParser:
    """The contracts on what rooms may import."""
    contracts = ConfigParser()
    contracts.read(PROJECT / "setup.cfg")
    return contracts


def test_values_are_forbidden_every_room_below_them_but_how_large_json_is_read(contracts: ConfigParser) -> None:
    """A new room is forbidden to them as well: what lies beside the engine or above it, the layers forbid."""
    layers = contracts["importlinter:contract:one-way"]["layers"].split("engine |")[1].split("\n", 1)[1]
    below = {f"app.{room}" for room in re.findall(r"\w+", layers)}
    forbidden = {
        name for name in contracts["importlinter:contract:values"]["forbidden_modules"].split() if "app." in name
    }
    assert below - forbidden == {"app.json_parts", "app.json_sizes", "app.json_strings", "app.large_json"}


CONNECTING = {
    "PyJWKClient", "create_connection", "create_datagram_endpoint", "create_unix_connection",
    "get_server_certificate", "getaddrinfo", "open_connection", "open_unix_connection", "sock_connect", "urlopen",
}  # fmt: skip
CLIENTS = re.compile(
    r"(urllib\.(request|robotparser)|http\.client|authlib\.integrations|logging\.handlers|multiprocessing\.(connection|managers))\b"
)
"""Parts of packages: contracts name whole ones only."""
MAY_CONNECT = re.compile(
    rf"urllib|http.*client|authlib|logging.*handlers|multiprocessing|{'|'.join(sorted(CONNECTING))}"
)


def connecting_names(tree: ast.Module) -> Iterator[str]:
    """What a module has that opens connections: what it imports, and what it calls."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if CLIENTS.match(alias.name))
        elif isinstance(node, ast.ImportFrom):
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name for name in names if CLIENTS.match(name) or name.rpartition(".")[2] in CONNECTING)
        elif isinstance(node, ast.Attribute) and node.attr in CONNECTING:
            yield node.attr


CONNECTS = {
    "app/demo/__init__.py": "makes the request that app.loopback sends",
    "app/http/ports.py": "looks what an address to listen at means",
    "app/loopback.py": "calls the API of its own installation",
    "app/outgoing": "opens connections for workflows",
}
"""Where connections are opened by what no contract names, and why they may be."""


def test_only_outgoing_opens_connections_for_workflows() -> None:
    found = set()
    for file in program():
        text = file.read_text()
        if MAY_CONNECT.search(text) and any(connecting_names(ast.parse(text))):
            path = file.relative_to(PROJECT).as_posix()
            found.add(next((known for known in CONNECTS if path.startswith(known)), path))
    assert found == set(CONNECTS)


LOADERS = {"builtins", "importlib", "pkgutil", "pydoc", "runpy", "zipimport", "werkzeug.utils"}
MAY_LOAD = re.compile(rf"{'|'.join(LOADERS)}|__import__|\bexec\(|\beval\(|\bmodules\b")
LOADING = {
    "app/credentials/types/__init__.py": "the files of its own folder",
    "app/embedded/binaries.py": "looks where a library is",
    "app/engine/nodes/__init__.py": "the files of its own folder, and what other packages announce",
    "app/metric_files.py": "looks whether a library is loaded",
    "app/outgoing/client.py": "files of its own folder, in a thread",
    "app/packaging.py": "lists of files, when the package is built",
    "app/places.py": "reads the version of this program",
    "app/telemetry/wanted.py": "looks whether a library is there",
}
"""Where a module is loaded, or looked for, by a name that no contract sees, and why it may be."""


def loading_names(tree: ast.Module) -> Iterator[str]:
    """What loads a module by a name: what is imported of that kind, runs a text, or looks among what is loaded."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in ("__import__", "eval", "exec"):
            yield node.id
        elif isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.modules":
            yield "sys.modules"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            module = getattr(node, "module", None)
            names = [f"{module}.{alias.name}" if module else alias.name for alias in node.names]
            yield from (name for name in names if name == "sys.modules" or name.split(".")[0] in LOADERS)
            yield from (name for name in names if any(name.startswith(f"{loader}.") for loader in LOADERS))


def test_what_is_loaded_can_be_seen_by_contracts() -> None:
    found = set()
    for file in (*program(), *REPOSITORY):
        text = file.read_text()
        if MAY_LOAD.search(text) and any(loading_names(ast.parse(text))):
            found.add(file.relative_to(PROJECT).as_posix())
    assert found == set(LOADING)


def test_every_folder_with_modules_is_a_package() -> None:
    """Contracts see no other one."""
    for file in (*program(), *REPOSITORY):
        assert (file.parent / "__init__.py").exists(), file
