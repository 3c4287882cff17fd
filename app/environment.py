"""Reads variables of the environment as texts, numbers, choices and durations. Knows none of them by name."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

UNFIT_FOR_URLS = re.compile(r"[^!-~]")


class SettingsError(Exception):
    """A variable of the environment is missing or has a value that cannot be used."""


class EnvironmentReader:
    """Reads single variables; an empty one counts as absent, as it does in a unit file or compose file."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str, default: str) -> str:
        """The text without white space at its ends, or the default."""
        return self._environ.get(name, "").strip() or default

    def integer(self, name: str, default: int, *, low: int, high: int = 2**40) -> int:
        """A whole number from `low` to `high`. Raises SettingsError."""
        text = self.text(name, str(default))
        try:
            value = int(text)
        except ValueError:
            raise SettingsError(f"{name} must be a whole number: {text!r} given") from None
        if not low <= value <= high:
            raise SettingsError(f"{name} must be between {low} and {high}: {text} given")
        return value

    def optional_integer(self, name: str, *, low: int, high: int = 2**40) -> int | None:
        """The same, None where the variable is not set. Raises SettingsError."""
        return self.integer(name, low, low=low, high=high) if self.text(name, "") else None

    def choice(self, name: str, *allowed: str) -> str:
        """One of the values; the first is the default."""
        value = self.text(name, allowed[0])
        if value not in allowed:
            raise SettingsError(f"{name} must be one of {', '.join(allowed)}: {value!r} given")
        return value

    def timezone(self, name: str) -> str:
        """The name of a time zone that this machine knows; UTC by default."""
        value = self.text(name, "UTC")
        try:
            return ZoneInfo(value).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise SettingsError(f"{name} must be a time zone such as Europe/Berlin: {value!r} given") from None

    def duration(self, name: str, default: float) -> float:
        """Seconds, of a size that timers and PostgreSQL's own time limits can take."""
        value = self.optional_duration(name)
        return default if value is None else value

    def optional_duration(self, name: str, *, low: float = 0.001, high: float = 2_000_000) -> float | None:
        """Seconds from `low` to `high`, None where the variable is not set. Raises SettingsError."""
        text = self.text(name, "")
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            raise SettingsError(f"{name} must be a number: {text!r} given") from None
        if not low <= value <= high:
            raise SettingsError(f"{name} must be between {low:.10g} and {high:.10g}: {text} given")
        return value


def parse_url(text: str, name: str, *, base: bool = False) -> str:
    """A URL of the web; a `base` is one to which paths are added."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or UNFIT_FOR_URLS.search(text):
        # Not shown: what stands there may be a secret.
        raise SettingsError(f"{name} must be a URL such as https://example.com, in ASCII and without spaces")
    if base and (parts.username is not None or "?" in text or "#" in text):
        raise SettingsError(f"{name} must be a URL without a user, a query and a fragment: paths are added to it")
    return text
