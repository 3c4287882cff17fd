"""Whether a server can listen at an address, asked before it starts."""

import socket


def find_obstacle(host: str, port: int) -> str | None:
    """Why nothing can listen there, and which port to choose instead; None where it can."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        shown = f"[{host}]" if ":" in host else host
        free = port + 1 if 1024 <= port < 65_535 else 8000
        return f"cannot listen on {shown}:{port}: {error.strerror}. Choose another one with PORT (or HOST): PORT={free}"
    return None
