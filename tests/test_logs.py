"""What the log never holds, whoever configures it: addresses that the HTTP client was asked for."""

import subprocess
import sys

import pytest

SECRET = "canary-in-an-address"
PROGRAM = """
import asyncio, logging, logging.config
from app import logs
{configure}
import httpx
async def main():
    answer = lambda request: httpx.Response(200)
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        await client.get("http://x.example/?key=SECRET_HERE")
asyncio.run(main())
logging.getLogger("httpcore.http11").debug("%s", "SECRET_HERE")
logging.getLogger("other").info("heard")
"""


@pytest.mark.parametrize(
    "configure",
    [
        "logs.configure()",
        "logs.configure(logging.DEBUG)",
        "logging.config.dictConfig(logs.GUNICORN)",
        "logging.config.dictConfig(logs.GUNICORN); logs.configure()",
    ],
)
def test_no_address_of_a_request_is_logged(configure: str) -> None:
    program = PROGRAM.replace("{configure}", configure).replace("SECRET_HERE", SECRET)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert '"heard"' in done.stderr
    assert SECRET not in done.stderr


WITHOUT_DATABASE = """
from app import logs
from app.repository.connection import open_pool
logs.configure()
with open_pool("postgresql://somebody:hidden@127.0.0.1:1/x", size=2, name="api", timeout=1.5) as pool:
    try:
        pool.getconn()
    except Exception:
        pass
"""


def test_why_the_database_cannot_be_reached_is_said_once() -> None:
    program = [sys.executable, "-c", WITHOUT_DATABASE]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    assert len(done.stderr.splitlines()) == 1
    assert "Connection refused" in done.stderr
    assert "hidden" not in done.stderr
