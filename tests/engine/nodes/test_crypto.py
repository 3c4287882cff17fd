"""Crypto with the secrets of a credential, as from version 2 on; what n8n encrypted opens here."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from app.engine.nodes.crypto.passphrases import CIPHERS, decrypt, encrypt
from app.engine.run.ports import Ports
from app.private_keys import PrivateKeys
from tests.engine.running import Engine, output_of
from tests.workflows import START, chain, node

FROM_N8N = {
    "aes-256-gcm": "AT0cfC4L0juJ1zyhDO9sJQcsPLo8NJfP8wbhfvLNUCQvAZlXV7PJW7geIfFR+JKYDr0=",
    "chacha20-poly1305": "AYXHxpsWw+4G1sHxtBsGCBGK/1gjO48C+t1pVYYLtywvd6MX9mrgJELTtjl989pQA98=",
}
PAIR = json.loads((Path(__file__).parent / "sealed.json").read_text())
"""A key pair, and what n8n made of `héllo` with it."""


def run(engine: Engine, held: dict[str, Any], **parameters: Any):
    async def read(credential_id: str, kind: str) -> dict[str, Any]:
        return held

    crypto = node("Crypto", "crypto", parameters, 2, credentials={"crypto": {"id": "c1"}})
    return engine.run(chain(START, crypto), ports=Ports(credentials=read))


@pytest.mark.parametrize("cipher", FROM_N8N)
def test_what_n8n_encrypted_opens(engine: Engine, cipher: str) -> None:
    outcome = run(engine, {"encryptionPassphrase": "pass"}, action="decrypt", value=FROM_N8N[cipher], cipher=cipher)
    assert output_of(outcome, "Crypto") == [{"data": "hello"}]


@pytest.mark.parametrize("cipher", CIPHERS)
def test_what_is_encrypted_opens_with_its_passphrase_only(cipher: str) -> None:
    sealed = encrypt("héllo", "pass", cipher)
    assert decrypt(sealed, "pass", cipher) == "héllo"
    with pytest.raises(ValueError, match="wrong passphrase"):
        decrypt(sealed, "other", cipher)


@pytest.mark.parametrize("text", ["", "nope", "AT0c", "!!"])
def test_what_is_no_ciphertext_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="Ciphertext is malformed or truncated"):
        decrypt(text, "pass", "aes-256-gcm")


def test_a_keyed_hash_takes_its_secret_from_the_credential(engine: Engine) -> None:
    outcome = run(engine, {"hmacSecret": "k"}, action="hmac", value="hello")
    assert output_of(outcome, "Crypto") == [
        {"data": "406e4b43f87095aa86ca6299d25e875921fefa180f02043bb29bec5681c0c2d0"}
    ]


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ("hmac", "No HMAC secret set in credentials. Please add an HMAC secret to your Crypto credentials."),
        ("sign", "No private key set in credentials. Please add a private key to your Crypto credentials."),
        ("encrypt", "No encryption passphrase set in credentials. Please add an Encryption Passphrase to your Crypto "
         "credentials."),
    ],
)  # fmt: skip
def test_a_credential_without_the_secret_is_told(engine: Engine, action: str, message: str) -> None:
    assert run(engine, {}, action=action, value="x", algorithm="RSA-SHA256").error.message == message


def sealed(engine: Engine, action: str, value: Any, **held: str):
    return run(engine, held, action=action, mode="asymmetric", value=value)


def test_a_private_key_opens_what_n8n_sealed_with_the_public_one(engine: Engine) -> None:
    folded = PAIR["private"].replace("\n", " ")
    outcome = sealed(engine, "decrypt", PAIR["sealed"], encryptionPrivateKey=folded)
    assert output_of(outcome, "Crypto") == [{"data": "héllo"}]
    again = output_of(sealed(engine, "encrypt", "héllo", encryptionPublicKey=PAIR["public"]), "Crypto")[0]["data"]
    assert again != PAIR["sealed"]
    assert output_of(sealed(engine, "decrypt", again, encryptionPrivateKey=PAIR["private"]), "Crypto")[0] == {
        "data": "héllo"
    }


@pytest.mark.parametrize(
    ("action", "value", "held", "message"),
    [
        ("encrypt", "x" * 191, "public", "Plaintext is too large for the RSA key. Use symmetric mode for larger data."),
        ("encrypt", "x", "sealed", "error:1E08010C:DECODER routines::unsupported"),
        ("decrypt", "garbage", "private", "Decryption failed: wrong passphrase, key, cipher, or corrupted payload"),
        ("decrypt", "garbage", "sealed", "Decryption failed: wrong passphrase, key, cipher, or corrupted payload"),
        ("encrypt", "x", None, "No encryption public key set in credentials. Please add an Encryption Public Key to "
         "your Crypto credentials."),
    ],
)  # fmt: skip
def test_keys_and_texts_that_do_not_go_together(
    engine: Engine, action: str, value: str, held: str, message: str
) -> None:
    field = "encryptionPublicKey" if action == "encrypt" else "encryptionPrivateKey"
    outcome = sealed(engine, action, value, **({field: PAIR[held]} if held else {}))
    assert outcome.error.message == message


def test_a_great_key_is_tested_once_and_by_another_process(monkeypatch) -> None:
    """Its test holds whatever runs in a process: a signature in each of a thousand workflows would hold a worker."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem = made.private_bytes(*form).decode()
    tests: list[Any] = []
    start = asyncio.create_subprocess_exec

    def started(*command: Any, **options: Any) -> Any:
        tests.append(options["env"])
        return start(*command, **options)

    monkeypatch.setenv("EXECUTIONS_ENCRYPTION_KEY", "none of its business")
    monkeypatch.setattr(asyncio, "create_subprocess_exec", started)
    for _ in range(3):
        assert asyncio.run(PrivateKeys().load(pem)).key_size == 3072
    assert len(tests) == 1
    assert "EXECUTIONS_ENCRYPTION_KEY" not in tests[0]
