"""Guides in docs/, as tests follow them: their blocks of code and the commands in their text."""

import re
import shlex

from tests.live import PROJECT


def read_guide(name: str) -> str:
    """The text of docs/NAME."""
    return (PROJECT / "docs" / name).read_text()


def blocks(guide: str, language: str) -> list[str]:
    """The blocks of code of one language, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)


def commands(guide: str, program: str = "flask") -> list[str]:
    """What follows the program's name, in blocks of code and in the text's `code`, in its order."""
    outside = re.sub(r"^```nginx\n.*?^```$", "", guide, flags=re.MULTILINE | re.DOTALL)
    return re.findall(rf"(?:(?<=`)|(?<=\s)){program} ([a-z][^`\n]*)", outside)


def arguments(command: str) -> list[str]:
    """A command's words, without a comment behind it."""
    return shlex.split(command, comments=True)
