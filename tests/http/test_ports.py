"""A server that cannot listen says so in a sentence, before it loads anything."""

import os
import socket
import subprocess
import sys

import pytest

from tests.live import PROJECT


@pytest.mark.parametrize(
    ("host", "why"), [("127.0.0.1", "Address already in use"), ("192.0.2.1", "Cannot assign requested address")]
)
def test_an_address_that_cannot_be_had_is_told_with_what_to_do(tmp_path, host, why):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        environ = {**os.environ, "DATABASE_URL": "postgresql:///nothing", "EXECUTIONS_HOME": str(tmp_path)}
        command = [sys.executable, "-m", "gunicorn", "wsgi:app"]
        done = subprocess.run(
            command,
            cwd=PROJECT,
            env={**environ, "HOST": host, "PORT": str(port)},
            capture_output=True,
            text=True,
            timeout=99,
        )
    assert done.returncode == 1
    assert done.stderr.splitlines()[1:] == [
        f"Error: cannot listen on {host}:{port}: {why}. Choose another one with PORT (or HOST): PORT={port + 1}"
    ]
