"""Links by which people answer what an execution of n8n asks them, and that were sent before it came here."""

import base64
import hashlib
import json

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.credentials.n8n import WrongKey, key_bytes
from app.importing.n8n.flatted import unflatten
from app.importing.n8n.moves import access_of, options_of
from app.importing.n8n.question_links import question_signatures, signing_secret
from tests.importing import many, n8n
from tests.importing.n8n import change, one

ASKS = {"id": "b6a1c3d4-0000-4000-8000-000000000001", "name": "Ask", "parameters": {"operation": "sendAndWait"}}
SIGNED = (
    "76c3d46b3cd8c701d0a19d9da747d99f603cc778d7e3d286025f9a21ea15ced8",
    "92ef8f8a87a4c782af489529cc7a90c0f219add858bfec6f0892c14f08b74c6e",
)
"""What an n8n whose key is `n8n-key` signs for that node of its execution 231: no, and yes."""
ODD = (
    "3f7d231aed39b8ead5c5c006fae21b09ab1765254c98dcae111a1ba09b305538",
    "3f877bd8745721a9a70d6ae481ecaee83fdc8a257abe3d8c96e1a7328eb93506",
)


def wrapped(secret: str, key: str) -> str:
    """A secret as n8n keeps it in its table of deployment keys."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    salt = bytes(32)
    protecting = key_bytes(hashlib.sha256(key.encode()).hexdigest())
    made = HKDF(algorithm=hashes.SHA256(), length=44, salt=salt, info=b"n8n-encryption-v1").derive(protecting)
    sealed = AESGCM(made[:32]).encrypt(made[32:], secret.encode(), None)
    return base64.b64encode(b"\x01" + salt + sealed[-16:] + sealed[:-16]).decode()


@pytest.mark.parametrize(("node_id", "expected"), [(ASKS["id"], SIGNED), ("0a1b-ä (x)", ODD)])
def test_links_are_signed_as_n8n_signs_them(node_id, expected):
    assert question_signatures(signing_secret("n8n-key", []), 231, {**ASKS, "id": node_id}) == expected
    assert question_signatures("secret", 231, {**ASKS, "parameters": {"resume": "webhook"}}) is None


def test_the_secret_that_an_n8n_has_of_its_own_comes_first():
    row = {"type": "signing.hmac", "status": "active", "algorithm": None, "value": "own"}
    assert signing_secret("n8n-key", [{"type": "data_encryption", "status": "active", "value": "x"}, row]) == "own"
    sealed = {**row, "algorithm": "aes-256-gcm", "value": wrapped("sealed", "n8n-key")}
    assert signing_secret("n8n-key", [sealed]) == "sealed"
    assert signing_secret("n8n-key", [{**sealed, "status": "inactive"}]) == signing_secret("n8n-key", [])
    with pytest.raises(WrongKey):
        signing_secret("another", [sealed])
    for odd in ({}, {"value": None}, {"value": None, "algorithm": None}):
        with pytest.raises(WrongKey):
            signing_secret("n8n-key", [{"type": "signing.hmac", "status": "active", **odd}])


def test_what_an_execution_asks_comes_with_the_signatures_of_its_links(bring, target, sqlite_file):
    number = next(iter(n8n.WAITING))
    document = unflatten(n8n.flatted_data(number), most_size=2**20)
    document["executionData"]["nodeExecutionStack"][0]["node"] = {**ASKS, "type": "n8n-nodes-base.emailSend"}
    document["resumeToken"] = "of other links"
    changed = many.flatten(document)
    change(sqlite_file, 'UPDATE execution_data SET data = ? WHERE "executionId" = ?', changed, number)
    found = "SELECT token, question_signatures FROM imported_waits WHERE execution_id = %s"
    report = bring(sqlite_file, key=None)
    assert one(target, found, number) == ("of other links", None)
    assert "need n8n's encryption key" in json.dumps(report.to_json())
    bring(sqlite_file)
    expected = question_signatures(signing_secret(n8n.KEY, n8n.rows("deployment_key")), number, ASKS)
    assert one(target, found, number) == ("of other links", list(expected))
    bring(sqlite_file, waiting_endpoint="wait/here")
    elsewhere = question_signatures(signing_secret(n8n.KEY, n8n.rows("deployment_key")), number, ASKS, "wait/here")
    assert elsewhere != expected
    assert one(target, found, number) == ("of other links", list(elsewhere))
    bring(sqlite_file, link_secret="set")
    assert one(target, found, number) == ("of other links", list(question_signatures("set", number, ASKS)))


@pytest.mark.parametrize(
    ("said", "endpoint"), [("wait/here", "wait/here"), (" /waits/ ", "waits"), ("", "webhook-waiting")]
)
def test_the_endpoint_of_links_is_the_one_that_n8n_was_given(said, endpoint):
    given = {"schema": "public", "table_prefix": "", "largest": 8, "project": "default", "timezone": None}
    given |= dict.fromkeys(("encryption_key_file", "storage", "api_key_file", "keep_projects", "api_keys"))
    access = access_of(given, {"N8N_ENDPOINT_WEBHOOK_WAIT": said}, ["n8n.zip"])
    assert options_of({**given, "no_executions": False}, access).waiting_endpoint == endpoint
