"""The variables of an instance, $vars: which of them the JavaScript of a node gets to see."""

import re
from collections.abc import Awaitable, Callable, Sequence

ReadVariables = Callable[[], Awaitable[dict[str, str]]]
"""Reads the variables that the run may see, by key."""

_ASKS = re.compile(r"\$vars\b")
_KEY = re.compile(r"\$vars\s*+(?:\?\.)?\s*+(?:\[\s*+(?:'([^'\\]*)'|\"([^\"\\]*)\")\s*+\]|\.?\s*+([A-Za-z_]\w*))")


def ask_for_variables(texts: Sequence[str]) -> bool:
    """Whether one of the texts may look at a variable."""
    return any(_ASKS.search(text) for text in texts)


def shown_variables(variables: dict[str, str], texts: Sequence[str]) -> dict[str, str]:
    """Of the variables only those that the texts ask for, because all that is shown travels to the sandbox."""
    keys: set[str] = set()
    for text in texts:
        names = _KEY.findall(text)
        if len(names) != len(_ASKS.findall(text)):
            return variables
        keys.update(name for groups in names for name in groups if name)
    return {key: variables[key] for key in keys & variables.keys()}
