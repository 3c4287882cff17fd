"""Respond to Webhook with a token: what it says, and who can check it."""

from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from app import private_keys
from app.engine.run.ports import Ports
from app.engine.run.run import RunOutcome
from tests.engine.running import Engine
from tests.rsa_keys import pem_of
from tests.workflows import START, chain, node

SECRET = "a secret of more than sixty-four characters, which is what HS512 wants"


def run(engine: Engine, held: dict[str, Any], payload: Any) -> tuple[RunOutcome, list[dict[str, Any]]]:
    answers: list[dict[str, Any]] = []

    async def read(credential_id: str, kind: str) -> dict[str, Any]:
        return held

    async def respond(answer: dict[str, Any]) -> None:
        answers.append(answer)

    parameters = {"respondWith": "jwt", "payload": payload}
    made = node("Respond", "respondToWebhook", parameters, 1, credentials={"jwtAuth": {"id": "c1"}})
    return engine.run(chain(START, made), ports=Ports(credentials=read, respond=respond)), answers


@pytest.mark.parametrize("payload", ['{"a": 1}', "={{ {a: 1} }}", '={"a": {{ 1 }}}'])
@pytest.mark.parametrize("algorithm", ["HS256", "HS512"])
def test_a_token_says_what_was_given_and_when(engine: Engine, payload: str, algorithm: str) -> None:
    _, [answer] = run(engine, {"keyType": "passphrase", "secret": SECRET, "algorithm": algorithm}, payload)
    assert (answer["status"], list(answer["body"])) == (200, ["token"])
    said = jwt.decode(answer["body"]["token"], SECRET, [algorithm], options={"verify_iat": False})
    assert said.keys() == {"a", "iat"}
    assert said["a"] == 1


def test_a_great_key_is_tested_by_another_process(engine: Engine, monkeypatch) -> None:
    made, tests = rsa.generate_private_key(65537, 1024), []
    monkeypatch.setattr(private_keys, "TESTED_HERE", 100)
    monkeypatch.setattr(private_keys, "environment", lambda: tests.append("one") or {})
    held = {"keyType": "pemKey", "algorithm": "RS256", "privateKey": pem_of(made)}
    _, [answer] = run(engine, held, '{"a": 1}')
    assert jwt.decode(answer["body"]["token"], made.public_key(), ["RS256"], options={"verify_iat": False})["a"] == 1
    assert tests == ["one"]


@pytest.mark.parametrize(
    ("held", "payload", "message"),
    [
        ({"secret": SECRET}, "={{ 'x' }}", "Invalid input for 'payload' [item 0]"),
        ({"secret": SECRET}, "={{ [1] }}", "Invalid input for 'payload' [item 0]"),
        ({"secret": ""}, "{}", "secretOrPrivateKey must have a value"),
        ({"keyType": "pemKey", "algorithm": "RS256", "privateKey": "no key"}, "{}", "The token cannot be signed: "),
    ],
)
def test_what_cannot_be_signed_is_told(engine: Engine, held: dict[str, Any], payload: str, message: str) -> None:
    outcome, answers = run(engine, held, payload)
    assert outcome.error is not None
    assert outcome.error.message.startswith(message)
    assert answers == []
