"""Keys in PEM: whatever reads one keeps nobody else waiting."""

import asyncio
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any, ClassVar

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app import private_keys
from app.credentials import service_accounts
from app.private_keys import PrivateKeys, UnusableKey, public_key
from tests.live import PROJECT
from tests.patience import PATIENCE_SECONDS
from tests.rsa_keys import key_of_three_factors, pem_of

LOADS = re.compile(r"load_(?:pem|der|ssh)_private_key\(|jwt\.(?:en|de)code\(")
"""What tests the factors of a key, or may: PyJWT takes a key as it is loaded, or loads a text."""
KNOWN = {
    "app/api/webhooks/tokens.py": "gives PyJWT the loaded key, or the secret of an HMAC",
    "app/credentials/service_accounts.py": "the same",
    "app/engine/nodes/shared/signed_tokens.py": "the same",
    "app/importing/n8n/api_keys.py": "verifies nothing",
    "app/key_text.py": "signs with a secret of its own",
    "app/private_keys.py": "the one that loads",
}


def test_the_public_part_of_a_key_is_had_without_a_test_of_its_factors() -> None:
    made = key_of_three_factors()
    pem, numbers = pem_of(made), made.public_key().public_numbers()
    with pytest.raises(UnusableKey):
        asyncio.run(PrivateKeys().load(pem))
    assert public_key(pem.replace("\n", "\\n")).public_numbers() == numbers
    plain = made.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert public_key(plain.replace("\n", " ")).public_numbers() == numbers


@pytest.mark.parametrize(
    "text", ["", "no key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "k" * 20_001]
)
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(UnusableKey):
        public_key(text)


def test_a_service_account_s_key_is_tested_by_another_process(monkeypatch) -> None:
    made, tests = rsa.generate_private_key(65537, 1024), []
    start = asyncio.create_subprocess_exec

    def started(*command: Any, **options: Any) -> Any:
        tests.append(command)
        return start(*command, **options)

    monkeypatch.setattr(private_keys, "TESTED_HERE", 100)
    monkeypatch.setattr(asyncio, "create_subprocess_exec", started)
    account = {"httpNode": True, "email": "a@b.example", "scopes": "one", "privateKey": pem_of(made)}
    token = asyncio.run(service_accounts.assertion(account, datetime.now(UTC)))
    assert jwt.decode(token, made.public_key(), ["RS256"], audience=service_accounts.TOKEN_URL)["iss"] == "a@b.example"
    assert len(tests) == 1
    with pytest.raises(service_accounts.NotUsable, match="not an RSA key"):
        asyncio.run(service_accounts.assertion({**account, "privateKey": "k" * 5_000}, datetime.now(UTC)))


def test_a_short_text_with_a_great_factor_is_tested_by_another_process(monkeypatch) -> None:
    """Two such factors fit into no 1,700 characters, but one does, and its test takes seconds."""
    tests: list[bytes] = []

    async def is_valid(pem: bytes) -> bool:
        tests.append(pem)
        return False

    monkeypatch.setattr(private_keys, "_is_valid", is_valid)
    p, q = 2**5_000 - 1, 3
    numbers = rsa.RSAPrivateNumbers(p, q, 1, 1, 1, 1, rsa.RSAPublicNumbers(65537, p * q))
    pem = pem_of(numbers.private_key(unsafe_skip_rsa_key_validation=True))
    assert len(pem) < 1_900
    with pytest.raises(UnusableKey, match="not valid"):
        asyncio.run(PrivateKeys().load(pem))
    assert len(tests) == 1


class HeldTest:
    """Stands for a process that tests a key, until it is let go on."""

    under_way: ClassVar[list[bytes]] = []
    returncode: int | None = None

    def __init__(self, go_on: asyncio.Event) -> None:
        self._go_on = go_on

    async def communicate(self, pem: bytes) -> None:
        self.under_way.append(pem)
        await self._go_on.wait()
        self.under_way.remove(pem)
        self.returncode = 1


def test_few_great_keys_are_tested_at_once_and_usual_ones_do_not_wait_for_them(monkeypatch) -> None:
    async def tested(text: bytes, *, usual: bool = False) -> None:
        with pytest.raises(UnusableKey):
            await private_keys._test(text, usual=usual)

    async def flood() -> None:
        go_on = asyncio.Event()

        async def start(*command: Any, **options: Any) -> HeldTest:
            return HeldTest(go_on)

        monkeypatch.setattr(asyncio, "create_subprocess_exec", start)
        great = [asyncio.create_task(tested(b"%d" % number)) for number in range(9)]
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(HeldTest.under_way) < private_keys.MOST_AT_ONCE:
                await asyncio.sleep(0)
            usual = asyncio.create_task(tested(b"usual", usual=True))
            while len(HeldTest.under_way) <= private_keys.MOST_AT_ONCE:
                await asyncio.sleep(0)
            assert sum(pem != b"usual" for pem in HeldTest.under_way) == private_keys.MOST_AT_ONCE
            great.pop().cancel()  # whoever waits for a place may go
            go_on.set()
            await asyncio.gather(usual, *great)
        assert not any(private_keys._under_way.values())

    asyncio.run(flood())


def test_a_test_of_a_key_gives_way_to_other_work() -> None:
    pem = pem_of(rsa.generate_private_key(65537, 1024)).encode()
    program = private_keys.TEST + "print(os.nice(0))"
    said = subprocess.run([sys.executable, "-P", "-c", program], input=pem, capture_output=True, check=True)
    assert int(said.stdout) == min(os.nice(0) + 10, 19)


ATTEMPTS = """
import socket
from resource import RLIMIT_DATA, RLIMIT_NOFILE
def try_to(what, *values):
    try:
        what(*values)
    except (OSError, ValueError, MemoryError):
        return
    print(what, *values, "succeeded")
try_to(open, "/dev/null")
try_to(socket.socket)
try_to(socket.socket, socket.AF_UNIX)
try_to(os.pipe)
try_to(os.fork)
try_to(bytearray, 2**29)
try_to(resource.setrlimit, RLIMIT_NOFILE, (64, 64))
try_to(os.setuid, 0)
print("tried", open)
"""


def test_a_test_of_a_key_opens_nothing_and_starts_nothing() -> None:
    pem = pem_of(rsa.generate_private_key(65537, 1024)).encode()
    # Loaded before the walls are there, as they can be read only until then.
    program = "import socket\n" + private_keys.TEST + ATTEMPTS
    said = subprocess.run([sys.executable, "-P", "-c", program], input=pem, capture_output=True, check=True)
    assert said.stdout.decode().splitlines() == ["tried <built-in function open>"]


def test_nobody_else_loads_keys() -> None:
    """A new place belongs into `KNOWN`, once what it gives PyJWT is loaded already or is no key of a pair."""
    files = {str(path.relative_to(PROJECT)): path.read_text() for path in (PROJECT / "app").rglob("*.py")}
    assert {name for name, text in files.items() if LOADS.search(text)} == KNOWN.keys()
