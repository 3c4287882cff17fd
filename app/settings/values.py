"""What the texts of single settings mean. What cannot be used raises SettingsError, which names the variable."""

import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from app.environment import SettingsError
from app.key_text import MAX_LENGTH, MIN_LENGTH
from app.outgoing.addresses import AddressRules, InvalidAllowList

DATABASE_URL_FILE = "database-url"
"""Name of the file in the home folder that holds the address of the embedded PostgreSQL while it runs."""

OURS = re.compile(r"DATABASE_.*|EXECUTIONS_.*|HOST|PORT", re.DOTALL)
"""The names of our variables."""
HOST_NAME = re.compile(r"[a-z0-9_][a-z0-9._-]{0,252}", re.ASCII | re.IGNORECASE)
QUOTED = re.compile(r'".*"', re.DOTALL)
ORIGIN = re.compile(r"https?://(?:[a-z0-9._-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?", re.ASCII)


def check_texts(environ: Mapping[str, str]) -> None:
    """Refuse variables of ours with bytes that are no text. Raises SettingsError."""
    for name, value in environ.items():
        if OURS.fullmatch(name):
            try:
                value.encode()
            except UnicodeEncodeError:
                raise SettingsError(f"{name} must be text in UTF-8") from None


def parse_host(text: str, name: str) -> str:
    """A host name, or an address without brackets."""
    host = text.removeprefix("[").removesuffix("]")
    try:
        return str(ip_address(host))
    except ValueError:
        if HOST_NAME.fullmatch(text):
            return text
        raise SettingsError(f"{name} must be a host name or an address, without a port: {text!r} given") from None


def host_and_port(host: str, port: int) -> str:
    """Both as they stand in a URL."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parse_allowed_hosts(text: str) -> AddressRules:
    """Hosts, addresses and networks with commas between them."""
    try:
        return AddressRules.parse(text)
    except InvalidAllowList as error:
        raise SettingsError(f"EXECUTIONS_ALLOWED_HOSTS: {error}") from None


def parse_home(text: str) -> Path:
    """The absolute path of the home folder, which need not be there yet."""
    return _absolute(text, "EXECUTIONS_HOME")


def _absolute(text: str, name: str) -> Path:
    try:
        return Path(text).expanduser().absolute()
    except (OSError, RuntimeError) as error:
        raise SettingsError(f"{name}: the folder that it is seen from is not there: {error}") from None


def parse_files_folder(text: str) -> Path | None:
    """The absolute path of a folder that is there; None where none is named."""
    folder = _absolute(text, "EXECUTIONS_FILES_FOLDER") if text else None
    try:
        is_there = folder is None or folder.is_dir()
    except OSError:  # as of a name that is too long
        is_there = False
    if not is_there:
        raise SettingsError(f"EXECUTIONS_FILES_FOLDER: there is no folder {folder}")
    return folder


def parse_api_key(text: str) -> str | None:
    """A key that is long enough, and that a header can hold; None where none is named."""
    if text and len(text) < MIN_LENGTH:
        raise SettingsError(
            f"EXECUTIONS_API_KEY must have at least {MIN_LENGTH} characters, or it could be guessed: take what "
            "`openssl rand -hex 32` prints"
        )
    if len(text) > MAX_LENGTH or not (text.isascii() and text.isprintable()):
        raise SettingsError(
            f"EXECUTIONS_API_KEY must have at most {MAX_LENGTH:,} characters, printable ones of ASCII, or no request "
            "could show it: take what `openssl rand -hex 32` prints"
        )
    return text or None


def parse_trusted_proxies(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Addresses and networks with commas between them."""
    networks = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        try:
            networks.append(ip_network(part, strict=False))
        except ValueError:
            raise SettingsError(
                f"EXECUTIONS_TRUSTED_PROXIES must be addresses or networks with commas between them: {part!r} given"
            ) from None
    return tuple(networks)


def parse_origins(text: str) -> frozenset[str]:
    """Origins with commas between them, or `*`."""
    origins = [part.strip().lower() for part in text.split(",") if part.strip()]
    for origin in origins:
        if origin != "*" and not ORIGIN.fullmatch(origin):
            raise SettingsError(
                "EXECUTIONS_CORS_ORIGINS must be origins with commas between them, as https://app.example.com, or *: "
                f"{origin!r} given"
            )
    return frozenset(origins)


def parse_old_keys(text: str) -> tuple[str, ...]:
    """Keys with commas between them; a single one may hold commas itself."""
    return tuple(dict.fromkeys(filter(None, (text, *(part.strip() for part in text.split(","))))))


def read_conninfo(environ: Mapping[str, str], name: str) -> str:
    """The address of a database, empty where none is set."""
    url = environ.get(name, "").strip()
    try:
        parts = conninfo_to_dict(url)
        problem = _problem_of_place(str(parts.get("host") or ""), str(parts.get("port") or ""))
    except (ProgrammingError, UnicodeError) as error:
        # What stands in quotation marks is of the address, which holds a password.
        problem = QUOTED.sub('"..."', str(error).strip())
    if problem:
        raise SettingsError(
            f"{name} is no address of a PostgreSQL: {problem}. "
            "It looks like postgresql://user:password@host:5432/name, with @ : / in a password percent-encoded"
        )
    return url


def _problem_of_place(host: str, port: str) -> str:
    """What is wrong with host and port, which may be a part of a password; empty for nothing."""
    if "@" in host and not host.startswith(("/", "@")):
        return "its host holds an @"
    numbers = [each.strip() for each in port.split(",") if each.strip()]
    wrong = any(not (each.isascii() and each.isdigit() and 0 < int(each[:6]) < 65_536) for each in numbers)
    return "its port is none" if wrong else ""


def read_database_url(environ: Mapping[str, str], home: Path, needed: bool) -> str:
    """The address of the database that is named, else of the embedded one; empty where none is `needed` or there."""
    url = read_conninfo(environ, "DATABASE_URL")
    if url or not needed:
        return url
    try:
        return (home / DATABASE_URL_FILE).read_text("utf-8").strip()
    except FileNotFoundError:
        raise SettingsError(
            f"DATABASE_URL is not set and no embedded PostgreSQL runs in {home}: "
            "set DATABASE_URL=postgresql://user@host/name, or leave `make run` (or `executions up`) running elsewhere"
        ) from None
    except OSError as error:
        raise SettingsError(f"DATABASE_URL is not set and {error.filename}: {error.strerror}") from None
