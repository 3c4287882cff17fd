"""Differences that are there on purpose: how each is told, and which line of docs/differences.md gives the reason."""

import re
from dataclasses import dataclass

from tests.templates.answers import Difference


@dataclass(frozen=True)
class Settled:
    """A cause: the beginning of its line, and what the node's parameters and the difference have in common then."""

    line: str
    kinds: frozenset[str]
    parameters: re.Pattern[str]
    detail: re.Pattern[str]

    def explains(self, difference: Difference, kind: str, parameters: str) -> bool:
        fits = not self.kinds or kind in self.kinds
        return fits and bool(self.parameters.search(parameters)) and bool(self.detail.search(difference.detail))


def _settled(line: str, kinds: str, parameters: str = "", detail: str = "") -> Settled:
    return Settled(line, frozenset(kinds.split()), re.compile(parameters), re.compile(detail, re.DOTALL))


CAUSES = (
    _settled("HTML without a template", "html", r'^(?!.*"html": )'),
    _settled("XML of an empty text", "xml", detail=r"Cannot read properties|\$error|No XML data|0 \| 1|1 \| 0"),
    _settled("Expressions: template literals and strings over several lines", "", r"`[^`]*(?:\\n|\\t)[^`]*"),
    _settled("Expressions: `a?.[b]` where `a` is undefined", "", r"\?\.\["),
    _settled("Text with half a character", "", detail=r"\\ufffd|\ufffd|\\u[dD][89a-fA-F]"),
    _settled("Function, Function Item", "function functionItem", detail=r"(?:error|Error|cannot|Cannot)"),
    _settled("Numbers in JSON that JavaScript cannot hold exactly", "httpRequest", detail=r"\d{16}"),
    _settled("Conditions and Edit Fields: 2024-02-30", "if filter switch set", detail=r"02-30|24:00"),
)


def reason_for(difference: Difference, kind: str, parameters: str) -> str | None:
    """The line of docs/differences.md that settles a difference at a node of that kind; None: none does."""
    return next((each.line for each in CAUSES if each.explains(difference, kind, parameters)), None)
