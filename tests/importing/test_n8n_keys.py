"""Credentials of an n8n are encrypted with the key of this host, and its API keys are accepted when asked for."""

import hashlib
import json

import jwt
import pytest

from app.credentials.vault import Vault
from app.importing.n8n.open_source import Access
from app.repository.api_keys import find_api_key
from tests.importing import n8n
from tests.importing.n8n import change, one


def test_credentials_are_encrypted_anew(bring, target, sqlite_file, settings):
    bring(sqlite_file)
    (number,) = one(target, "SELECT id FROM credentials WHERE type = 'httpHeaderAuth'")
    with target.transaction():
        opened = Vault(settings).read_in_project(target, "default", number, "httpHeaderAuth")
    assert opened == {"name": "X-Secret", "value": "s3cret"}
    assert one(target, "SELECT count(*) FROM credentials WHERE type = 'telegramApi'") == (1,)


def test_without_the_key_credentials_stay_behind(bring, target, sqlite_file):
    package = "INSERT INTO installed_packages VALUES ('n8n-nodes-greet', '1.2.3', NULL, NULL, '', '')"
    change(sqlite_file, package)
    report = bring(sqlite_file, key=None, access=Access())
    assert one(target, "SELECT count(*) FROM credentials") == (0,)
    assert any("N8N_ENCRYPTION_KEY" in note for note in report.notes)
    assert any("`flask packages add n8n-nodes-greet@1.2.3` brings its nodes" in note for note in report.notes)
    assert one(target, "SELECT count(*) FROM executions") == (18,)


def test_api_keys_are_accepted_when_asked_for(bring, target, sqlite_file):
    bring(sqlite_file)
    assert one(target, "SELECT count(*) FROM api_keys") == (0,)
    bring(sqlite_file, api_keys=True)
    (key,) = [row["apiKey"] for row in n8n.rows("user_api_keys")]
    digest, scopes = one(target, "SELECT key_sha256, scopes FROM api_keys")
    assert digest == hashlib.sha256(key.encode()).digest()
    assert "execution:list" in scopes


@pytest.mark.parametrize(
    ("audience", "claims", "scopes", "expected"),
    [
        ("public-api", {}, '["execution:list", "ldap:sync"]', ["execution:list"]),
        (None, {"exp": 4_000_000_000}, '["execution:list"]', ["execution:list"]),
        ("public-api", {"exp": 1_700_000_000}, '["execution:list"]', None),
        ("mcp-server-api", {}, '["execution:list"]', None),
        ("public-api", {}, None, []),
    ],
    ids=["as it is", "not yet expired", "expired", "for something else", "without scopes"],
)
def test_what_a_key_of_n8n_may_do_here(bring, target, sqlite_file, audience, claims, scopes, expected):
    key = jwt.encode({"sub": "user", "iss": "n8n", "aud": "public-api", **claims}, "n8n's own secret" * 4)
    change(sqlite_file, 'UPDATE user_api_keys SET "apiKey" = ?, audience = ?, scopes = ?', key, audience, scopes)
    report = bring(sqlite_file, api_keys=True, executions=False)
    found = find_api_key(target, key)
    assert (None if found is None else list(found.scopes)) == expected
    assert ("names no scopes" in json.dumps(report.to_json())) is (expected == [])


@pytest.mark.parametrize(
    ("columns", "user", "may"),
    [
        ("role TEXT", "global:owner", True),
        ('"globalRoleId" INTEGER', 1, True),
        ("role TEXT", "global:member", False),
        ('"globalRoleId" INTEGER', 2, False),
    ],
    ids=["the owner's", "the owner's, of 1.0", "a member's", "a member's, of 1.0"],
)
@pytest.mark.parametrize("table", ["user", "user_api_keys"])
def test_a_key_from_before_there_were_scopes_may_do_what_its_user_might(
    bring, target, sqlite_file, table, columns, user, may
):
    """n8n had one key for each user (1.50 has), then a table of them, then scopes in it."""
    key = "n8n_api_5106364078a887cd"
    change(sqlite_file, f'CREATE TABLE user (id TEXT, email TEXT, {columns}, "apiKey" TEXT)')
    change(sqlite_file, "INSERT INTO user VALUES ('u', 'owner@example.com', ?, NULL)", user)
    change(sqlite_file, "CREATE TABLE role (id INTEGER, scope TEXT, name TEXT)")
    change(sqlite_file, "INSERT INTO role VALUES (1, 'global', 'owner'), (2, 'global', 'member')")
    if table == "user":
        change(sqlite_file, "DROP TABLE user_api_keys")
        change(sqlite_file, 'UPDATE user SET "apiKey" = ?', key)
    else:
        change(sqlite_file, "ALTER TABLE user_api_keys DROP COLUMN scopes")
        change(sqlite_file, 'ALTER TABLE user_api_keys ADD COLUMN "userId" TEXT')
        change(sqlite_file, 'UPDATE user_api_keys SET "apiKey" = ?, "userId" = ?', key, "u")
    report = bring(sqlite_file, api_keys=True, executions=False)
    found = find_api_key(target, key)
    assert found is not None
    assert {"workflow:activate", "execution:list", "tag:create"} <= set(found.scopes) or not may
    assert not {scope for scope in found.scopes if scope.startswith(("communityPackage", "dataTable"))}
    assert bool(found.scopes) is may
    assert ("names no scopes" in json.dumps(report.to_json())) is not may
    assert not [note for note in report.notes if "user_api_keys" in note and table == "user"]
