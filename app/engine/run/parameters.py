"""Node parameters: where in them expressions stand, and how their results are put in place.

Knows the shape of parameters (any JSON; a string that starts with "=" is an expression), not what they mean.
"""

from collections.abc import Callable, Sequence
from sys import getsizeof
from typing import Any

from app.engine.run.errors import NodeError
from app.engine.values.conversions import to_string

MAX_NAMES = 20_000
"""Fields that one parameter lists; each is looked for in every item."""


def split_names(value: Any, label: str | None = None, *, keep_empty: bool = False) -> list[str]:
    """The field names in a parameter that lists them, separated by commas or as an array; `keep_empty`: and the gaps.

    Raises NodeError for what is neither, where the `label` that the editor gives the parameter is known, and for more
    than MAX_NAMES.
    """
    if label is not None and not isinstance(value, str | list):
        message = f"The '{label}' parameter must be a string of fields separated by commas or an array of strings."
        raise NodeError(message, anonymous=True)
    if value is None:
        return []
    text = "" if isinstance(value, list) else to_string(value)
    if (len(value) if isinstance(value, list) else text.count(",")) >= MAX_NAMES:
        raise NodeError(f"A list of fields may name at most {MAX_NAMES:,}")
    entries = value if isinstance(value, list) else text.split(",")
    return [name for entry in entries if (name := to_string(entry).strip()) or keep_empty]


Fill = Callable[[Sequence[Any]], Any]


class Template:
    """A JSON value with holes: `texts` are its expressions, `fill` makes the value from their results.

    `size` is about the bytes that a filled value takes beside its results: what has holes is copied each time.
    """

    __slots__ = ("_fill", "size", "texts")

    def __init__(self, value: Any) -> None:
        self.texts: list[str] = []
        self.size = 0
        fill = self._compile(value)
        self._fill: Fill = fill if fill is not None else lambda results: value

    @property
    def constant(self) -> bool:
        """Whether there is no expression in it."""
        return not self.texts

    def fill(self, results: Sequence[Any]) -> Any:
        """The value with the results of its expressions, which come in the order of `texts`."""
        return self._fill(results)

    def fill_all(self, rows: Sequence[Sequence[Any]]) -> list[Any]:
        """The value for each of the rows."""
        return [self._fill(row) for row in rows]

    def _compile(self, value: Any) -> Fill | None:
        """How to fill this part; None when it holds nothing to fill in."""
        if isinstance(value, str):
            return self._compile_text(value) if value[:1] == "=" else None
        if isinstance(value, dict):
            return self._compile_children(value, dict.items(value), dict)
        if isinstance(value, list):
            return self._compile_children(value, enumerate(value), list)
        return None

    def _compile_text(self, text: str) -> Fill:
        if "{{" not in text:
            plain = text[1:]
            return lambda results: plain
        index = len(self.texts)
        self.texts.append(text)
        return lambda results: results[index]

    def _compile_children(self, value: Any, pairs: Any, copy: Callable[[Any], Any]) -> Fill | None:
        holes: list[tuple[Any, int]] = []
        fills: list[tuple[Any, Fill]] = []
        for key, child in pairs:
            if isinstance(child, str):
                if child[:1] != "=":
                    continue
                if "{{" in child:
                    holes.append((key, len(self.texts)))
                    self.texts.append(child)
                    continue
            if (fill := self._compile(child)) is not None:
                fills.append((key, fill))
        if not holes and not fills:
            return None
        self.size += getsizeof(value)

        def fill_children(results: Sequence[Any]) -> Any:
            filled = copy(value)
            for key, index in holes:
                filled[key] = results[index]
            for key, fill in fills:
                filled[key] = fill(results)
            return filled

        return fill_children


def split_expressions(text: str) -> list[str]:
    """The text cut at its {{ }}: what stands outside and inside of them in turn, outside first and last."""
    pieces: list[str] = []
    position = 0
    while (begin := text.find("{{", position)) >= 0 and (end := text.find("}}", begin + 2)) >= 0:
        pieces += [text[position:begin], text[begin + 2 : end]]
        position = end + 2
    return [*pieces, text[position:]]
