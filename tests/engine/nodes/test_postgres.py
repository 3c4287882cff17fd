"""The Postgres node does with a database what n8n did; cases recorded against the tables of shop.sql."""

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from app.engine.nodes.postgres import sql_text
from app.engine.run.meter import MAX_BYTES, Meter
from app.engine.run.ports import Ports
from app.outgoing.addresses import AddressRules
from app.outgoing.client import Outgoing
from tests.conformance.test_conformance import seen
from tests.engine.running import Engine
from tests.patience import PATIENCE_SECONDS
from tests.postgres import cloned_database
from tests.workflows import START, chain, node

SHOP = (Path(__file__).parent / "shop.sql").read_text()
CASES = sorted((Path(__file__).parents[2] / "conformance" / "recorded_postgres").glob("*.json"))


def pump(source: socket.socket, target: socket.socket) -> None:
    with source, target, contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)


@pytest.fixture(scope="module")
def shop(postgres_url: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """A database, and what a credential for it holds: the test server listens on a Unix socket only, so that a
    port of this machine has to lead there."""
    with cloned_database(postgres_url) as url, socket.create_server(("127.0.0.1", 0)) as listener:
        parts = urlsplit(url)
        folder = parse_qs(parts.query)["host"][0] if "host=" in parts.query else parts.hostname or ""
        path = f"{folder}/.s.PGSQL.5432"

        def forward() -> None:
            while True:
                try:
                    near, _ = listener.accept()
                except OSError:
                    return
                far = socket.socket(socket.AF_UNIX)
                far.connect(path)
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=pump, args=ends, daemon=True).start()

        threading.Thread(target=forward, daemon=True).start()
        port = listener.getsockname()[1]
        yield url, {"host": "127.0.0.1", "port": port, "user": "postgres", "database": parts.path.strip("/")}


def run(
    engine: Engine, workflow: dict[str, Any], held: dict[str, Any], allowed: str = "127.0.0.1", limit: int = MAX_BYTES
):
    async def read(credential_id: str, kind: str) -> dict[str, Any]:
        return held

    outgoing = Outgoing(AddressRules.parse(allowed))
    ports = Ports(credentials=read, outgoing=outgoing, meter=Meter(limit))
    return engine.run(workflow, mode="test", start_node="Start", ports=ports)


def comparable(value: Any) -> Any:
    """Without the documents of errors inside items, which tell the time."""
    if isinstance(value, dict):
        return {
            key: comparable(entry) for key, entry in value.items() if not (key == "error" and "level" in str(entry))
        }
    return [comparable(entry) for entry in value] if isinstance(value, list) else value


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in CASES])
def test_case(path: Path, engine: Engine, shop) -> None:
    url, held = shop
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SHOP)
    case = json.loads(path.read_text())
    outcome = run(engine, case["workflow"], held)
    expected = case["expected"]
    if expected["error"] is not None:
        expected["error"] = {key: expected["error"][key] for key in ("message", "node")}
    got = json.loads(json.dumps(seen(outcome.data, outcome.status)))
    assert comparable(got) == comparable(expected)


def query(text: str, **options: Any) -> dict[str, Any]:
    parameters = {"operation": "executeQuery", "query": text, "options": options}
    return chain(START, node("Ask", "postgres", parameters, 2.5, credentials={"postgres": {"id": "c1"}}))


@pytest.mark.parametrize(
    "value", ["'; DROP TABLE items; --", "\\'; DROP TABLE items; --", "\\", "''", "$$", "a\nb", "é\u2028"]
)
def test_a_parameter_stays_a_value(engine: Engine, shop, value: str) -> None:
    url, held = shop
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SHOP)
        for settings in ("on", "off"):
            connection.execute(f'ALTER DATABASE "{held["database"]}" SET standard_conforming_strings = {settings}')
            workflow = query(
                "SELECT $1 AS v, (SELECT count(*)::int FROM items) AS n",
                queryReplacement=f"={{{{ [{json.dumps(value)}] }}}}",
            )
            outcome = run(engine, workflow, held)
            [item] = outcome.data["resultData"]["runData"]["Ask"][0]["data"]["main"][0]
            assert item["json"] == {"v": value, "n": 3}


def test_the_texts_of_queries_are_counted(engine: Engine, shop) -> None:
    asked = query("={{ 'SELECT 1 --' + 'x'.repeat(1_000_000) }}")
    assert run(engine, asked, shop[1], limit=4_000_000).status == "success"
    outcome = run(engine, asked, shop[1], limit=1_800_000)
    assert "EXECUTIONS_RUN_BYTES" in outcome.error.message


def test_shapes_intervals_and_dates_keep_their_numbers(engine: Engine, shop) -> None:
    asked = query(
        "SELECT point '(NaN,1)' AS p, circle '<(1.5,-2),Infinity>' AS c, interval '-0.789012 s' AS i,"
        " '0001-01-01 BC'::date AS d, '0044-03-15 10:00 BC'::timestamp AS b"
    )
    [item] = run(engine, asked, shop[1]).data["resultData"]["runData"]["Ask"][0]["data"]["main"][0]
    assert item["json"] == {
        "p": {"x": None, "y": 1},
        "c": {"x": 1.5, "y": -2, "radius": None},
        "i": {"milliseconds": -789.012},
        "d": "0000-01-01T00:00:00.000Z",
        "b": "-000043-03-15T10:00:00.000Z",
    }


def test_lists_are_written_to_arrays_of_any_type(engine: Engine, shop) -> None:
    url, held = shop
    row = {
        "u": ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", None],
        "j": [{"a": "it's \\"}, None, "[1]", [2]],
        "t": ["a", None, 'q"\\{x}', "NULL"],
        "i": [[1, 2], [3, None]],
        "n": "[1.5, null]",
        "r": "{empty}",
    }
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS lists")
        connection.execute("CREATE TABLE lists (u uuid[], j jsonb[], t text[], i int[], n numeric[], r int4range[])")
    columns = {"mappingMode": "autoMapInputData", "value": None}
    parameters = {"operation": "insert", "schema": "public", "table": "lists", "columns": columns}
    workflow = chain(START, node("Ask", "postgres", parameters, 2.6, credentials={"postgres": {"id": "c1"}}))
    outcome = run(engine, {**workflow, "pinData": {"Start": [{"json": row}]}}, held)
    [item] = outcome.data["resultData"]["runData"]["Ask"][0]["data"]["main"][0]
    assert item["json"] == {**row, "j": [{"a": "it's \\"}, None, [1], [2]], "n": [1.5, None]}


@pytest.mark.parametrize(
    ("value", "raw", "quoted"),
    [
        ({"a": "it's"}, """{"a":"it's"}""", """{"a":"it''s"}"""),
        (["a", None], "array['a',null]", "array[''a'',null]"),
        (True, "true", "true"),
        (-1.5, "(-1.5)", "(-1.5)"),
        ("it's", "it's", "it''s"),
    ],
)
def test_a_value_that_is_part_of_the_query_is_written_as_sql(value: Any, raw: str, quoted: str) -> None:
    assert sql_text.fill_places("$1:raw $1^ $1:value $1#", [value]) == f"{raw} {raw} {quoted} {quoted}"


@pytest.mark.parametrize(
    ("how", "value", "said"),
    [
        ("raw", "null", "Values null/undefined cannot be used as raw text."),
        ("value", "null", "Open values cannot be null or undefined."),
        ("name", "null", "Invalid sql name: null"),
        ("name", "['a', true]", "Invalid sql name: true"),
        ("name", "''", 'Invalid sql name: ""'),
        ("name", "{}", "Cannot retrieve sql names from an empty array/object."),
        ("alias", "['a']", 'Invalid sql alias: ["a"]'),
    ],
)
def test_what_cannot_be_a_part_of_the_query_is_refused(engine: Engine, shop, how: str, value: str, said: str) -> None:
    outcome = run(engine, query(f"SELECT '$1:{how}'", queryReplacement=f"={{{{ [{value}] }}}}"), shop[1])
    assert outcome.error.message == said


@pytest.mark.parametrize(
    ("value", "name", "alias"),
    [
        ("a_1$", '"a_1$"', "a_1$"),
        ("ABC", '"ABC"', "ABC"),
        ("aB", '"aB"', '"aB"'),
        ("$a", '"$a"', '"$a"'),
        ('.a..b "c', '".a..b ""c"', 'a."b ""c"'),
        ("*", "*", '"*"'),
    ],
)
def test_an_alias_is_quoted_in_parts_and_where_it_has_to_be(value: str, name: str, alias: str) -> None:
    assert sql_text.fill_places("$1:name $1~ $1:alias", [value]) == f"{name} {name} {alias}"


def test_names_are_those_of_a_list_or_of_an_objects_fields() -> None:
    assert sql_text.fill_places("$1:name $2:name", [["a", "*"], {"b": 1, "c": 2}]) == '"a","*" "b","c"'


def test_json_as_a_text_has_no_spaces() -> None:
    assert sql_text.fill_places("$1 $1:json", [{"a": [1, "é"]}]) == """'{"a":[1,"é"]}' '{"a":[1,"é"]}'"""


def test_a_name_stays_a_name() -> None:
    assert sql_text.fill_places("SELECT $1:name", ['a"; DROP TABLE items; --']) == 'SELECT "a""; DROP TABLE items; --"'


def test_an_inner_address_is_refused_unless_it_is_named(engine: Engine, shop) -> None:
    _, held = shop
    outcome = run(engine, query("SELECT 1"), held, allowed="")
    assert "EXECUTIONS_ALLOWED_HOSTS" in outcome.error.message


def test_a_unix_socket_is_out_of_reach(engine: Engine) -> None:
    outcome = run(engine, query("SELECT 1"), {"host": "/var/run/postgresql"})
    assert "Unix sockets" in outcome.error.message


def test_a_password_is_not_in_the_error(engine: Engine, shop) -> None:
    _, held = shop
    outcome = run(engine, query("SELECT 1"), {**held, "user": "nobody-here", "password": "very-secret"})
    assert outcome.status == "error"
    assert "very-secret" not in json.dumps(outcome.data)


def test_the_worker_s_own_passwords_stay_with_it(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that asks for a password in clear text, and a credential that has none."""
    passwords = tmp_path / "pgpass"
    passwords.write_text("*:*:*:*:canary-file\n")
    passwords.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(passwords))
    monkeypatch.setenv("PGPASSWORD", "canary-variable")
    heard: list[bytes] = []

    def ask(listener: socket.socket) -> None:
        near, _ = listener.accept()
        with near, contextlib.suppress(OSError):
            near.recv(65536)
            near.sendall(b"R" + (8).to_bytes(4) + (3).to_bytes(4))
            heard.append(near.recv(65536))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        asking = threading.Thread(target=ask, args=(listener,), daemon=True)
        asking.start()
        outcome = run(engine, query("SELECT 1"), {"host": "127.0.0.1", "port": listener.getsockname()[1]})
        asking.join(10)
    assert outcome.status == "error"
    assert heard == [b""]


def asked_by(engine: Engine, held: dict[str, Any], serve: Callable[[socket.socket], Any]) -> tuple[Any, Any]:
    """What the node says of a server that does this with its connection, and what that returns."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as threads:

        def accept() -> Any:
            near, _ = listener.accept()
            with near:
                return serve(near)

        seen_there = threads.submit(accept)
        outcome = run(engine, query("SELECT 1"), {"host": "127.0.0.1", "port": listener.getsockname()[1], **held})
        return outcome.error.message, seen_there.result(PATIENCE_SECONDS)


def test_the_worker_s_own_certificate_stays_with_it(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One in the folder of who runs the worker, or that variables name, may open the database of the executions."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "worker")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
    signed = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for variable, content in (("PGSSLCERT", signed), ("PGSSLKEY", key.private_bytes(*form))):
        (tmp_path / variable).write_bytes(content)
        (tmp_path / variable).chmod(0o600)
        monkeypatch.setenv(variable, str(tmp_path / variable))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=signed.decode())
    context.load_cert_chain(tmp_path / "PGSSLCERT", tmp_path / "PGSSLKEY")
    context.verify_mode = ssl.CERT_OPTIONAL

    def look(near: socket.socket) -> bytes | None:
        near.recv(8)
        near.sendall(b"S")
        with context.wrap_socket(near, server_side=True) as encrypted:
            encrypted.recv(65536)
            return encrypted.getpeercert(binary_form=True)

    assert asked_by(engine, {"allowUnauthorizedCerts": True}, look)[1] is None


def test_the_worker_s_kerberos_ticket_stays_with_it(engine: Engine) -> None:
    def ask_for_a_ticket(near: socket.socket) -> bytes:
        near.recv(65536)
        near.sendall(b"R" + (8).to_bytes(4) + (7).to_bytes(4))
        return near.recv(65536)

    message, heard = asked_by(engine, {}, ask_for_a_ticket)
    assert "authentication method requirement" in message
    assert heard == b""


def test_what_json_cannot_hold_stays_text(engine: Engine, shop) -> None:
    _, held = shop
    values = (
        "'-infinity'::date AS past, array['infinity'::timestamptz] AS never, array['{}', '{\"a\"}']::text[] AS braces"
    )
    far = "'275760-09-13'::date AS last, '275760-09-13 00:00:01'::timestamp AS beyond, '294276-12-31'::date AS far"
    outcome = run(engine, query(f"SELECT {values}, {far}"), held)
    [item] = outcome.data["resultData"]["runData"]["Ask"][0]["data"]["main"][0]
    assert item["json"] == {
        "past": "-infinity",
        "never": ["infinity"],
        "braces": ["{}", '{"a"}'],
        "last": "+275760-09-13T00:00:00.000Z",
        "beyond": "275760-09-13 00:00:01",
        "far": "294276-12-31",
    }


@pytest.mark.parametrize("text", ["SELECT {}", "SELECT 1; SELECT {}; SELECT 2"])
def test_more_rows_than_a_run_may_hold_are_not_fetched(engine: Engine, shop, text: str) -> None:
    _, held = shop
    rows = "n, repeat('x', 100) FROM generate_series(1, 20000000) AS n"
    outcome = run(engine, query(text.format(rows)), held, limit=2 * 2**20)
    assert outcome.error is not None
    assert "2 MiB" in outcome.error.message
    few = run(engine, query(text.format("1 AS n")), held, limit=2 * 2**20)
    assert few.status == "success"


def test_a_row_that_is_not_there_fails_its_own_item_only(engine: Engine, shop) -> None:
    url, held = shop
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SHOP)
    columns = {"value": {"name": "={{ $json.name }}", "small": 1}, "matchingColumns": ["name"]}
    options = {"queryBatching": "independently", "outputColumns": ["name"]}
    parameters = {"operation": "update", "table": {"value": "items"}, "columns": columns, "options": options}
    settings = {"credentials": {"postgres": {"id": "c1"}}, "onError": "continueRegularOutput"}
    pinned = {"Start": [{"json": {"name": name}} for name in ("apple", "plum", "fig")]}
    outcome = run(engine, chain(START, node("Out", "postgres", parameters, 2.6, **settings), pinData=pinned), held)
    one, missing, two = outcome.data["resultData"]["runData"]["Out"][0]["data"]["main"][0]
    assert (one["json"], two["json"], missing["pairedItem"]) == ({"name": "apple"}, {"name": "fig"}, {"item": 1})
    assert "(name=plum)" in missing["json"]["error"]["description"]


def test_rows_that_are_skipped_and_texts_that_are_empty(engine: Engine, shop) -> None:
    url, held = shop
    table = {"schema": {"mode": "list", "value": "public"}, "table": {"mode": "list", "value": "empty_texts"}}

    def insert(columns: dict[str, Any], **options: Any) -> Any:
        parameters = {"operation": "insert", **table, "columns": columns, "options": options}
        asks = node("Ask", "postgres", parameters, 2.6, credentials={"postgres": {"id": "c1"}})
        document = chain(START, asks, pinData={"Start": [{"json": {"id": 1, "name": ""}}]})
        (run_of_node,) = run(engine, document, held).data["resultData"]["runData"]["Ask"]
        return [(item["json"], item["pairedItem"]) for item in run_of_node["data"]["main"][0]]

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE empty_texts (id int PRIMARY KEY, name text)")
    from_item = {"mappingMode": "autoMapInputData", "value": None}
    in_node = {"mappingMode": "defineBelow", "value": {"id": 2, "name": ""}}
    assert insert(from_item, replaceEmptyStrings=True)[0][0] == {"id": 1, "name": None}
    assert insert(in_node, replaceEmptyStrings=True)[0][0] == {"id": 2, "name": ""}
    assert insert(from_item, skipOnConflict=True) == [({"success": True}, [{"item": 0}])]
