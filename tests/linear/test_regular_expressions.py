"""Regular expressions take time that grows with the length of a text and not with its square.

Each is found where it stands, so that a new one is measured without being listed.
"""

import os
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.linear.attacks import attack, parts, repeats
from tests.linear.compiled_patterns import compiled_elsewhere, patterns

SMALL = int(os.environ.get("LINEAR_SIZE", "1000"))
"""Letters of a text: 1,000 in `make test`, 2,000 in `make check-linear`."""
SHARE = SMALL / 2_000
FACTOR = 8
"""A text so many times as long takes so many times as long, three times that at most; a quadratic one takes 64."""
MIN_SECONDS = 0.008 * SHARE**2
"""What a quadratic pattern takes for the large text at least; less may be chance."""
NOTICED_SECONDS = 0.0001 * SHARE
"""A linear pattern is through with the small text long before that, a quadratic one is not."""
LONG_SECONDS = 0.02
"""No linear pattern takes so long for the small text: there is no need of the large one."""
ALIKE = 1.25
"""Where the small text takes no more than so many times what a text of an eighth of it takes eight times, the part that
grows with the square is too small for the large text to show it either."""


def seconds(use: Callable[[Any], object], text: Any, most: int = 3) -> float:
    """The processor time of this thread that one use takes, at best: other programs do not count."""
    taken = []
    for _ in range(most):
        began = time.thread_time()
        use(text)
        taken.append(time.thread_time() - began)
    return min(taken)


def grows_with_the_square(use: Callable[[Any], object], pattern: re.Pattern[Any]) -> list[tuple[str, float, float]]:
    if not repeats(pattern):
        return []
    as_bytes = isinstance(pattern.pattern, bytes)
    for piece in parts(pattern):
        texts = [attack(*piece, size) for size in (SMALL // FACTOR, SMALL, SMALL * FACTOR)]
        tiny, small, large = [text.encode() for text in texts] if as_bytes else texts
        before = seconds(use, small, 1)
        if before < NOTICED_SECONDS or before < seconds(use, tiny) * FACTOR * ALIKE:
            continue
        before = seconds(use, small)
        if before < NOTICED_SECONDS:
            continue
        if before > LONG_SECONDS:
            return [(f"{small[:40]!r}...{small[-10:]!r}", before, LONG_SECONDS)]
        # Each time beside the small text, as the machine may be slower now; one that is quick enough is enough.
        pairs = ((seconds(use, large, 1), seconds(use, small)) for _ in range(3))
        if all(after > max(beside * FACTOR * 3, MIN_SECONDS) for after, beside in pairs):
            return [(f"{small[:40]!r}...{small[-10:]!r}", before, before * FACTOR * 3)]
    return []


@pytest.mark.parametrize(("use", "pattern"), list(patterns()))
def test_it_is_linear(use, pattern):
    assert grows_with_the_square(use, pattern) == []


def test_those_without_a_name_are_linear():
    found = compiled_elsewhere()
    assert found
    assert [place for place, each in found.items() if grows_with_the_square(each.findall, each)] == []


@pytest.mark.parametrize(
    ("use", "quadratic"),
    [
        ("search", r"\s*\([^)]*\)\Z"),
        ("search", r"\{\{(.*?)\}\}"),
        ("search", r" \[line \d+[^\]]*\]\Z"),
        ("search", r"[a-z]+="),
        ("match", r"\d+\.?\d*\Z"),
        ("match", r"x+x+y"),
    ],
)
def test_a_quadratic_one_is_noticed(use, quadratic):
    pattern = re.compile(quadratic, re.DOTALL)
    assert grows_with_the_square(getattr(pattern, use), pattern)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a|b[cd]?", False),
        (r"(?:a(b))?(?=c)(?<!d)\1\Z", False),
        ("a+", True),
        ("a{2}", True),
        ("a|(?:b|(c{0,9}))", True),
        ("a(?=.*?b)", True),
        ("(a)?b(?<!c{2})", True),
        ("(a)?(?(1)b*|c)", True),
        ("(?>a(?i:b*))", True),
    ],
)
def test_what_repeats_is_seen(source, expected):
    assert repeats(re.compile(source)) == expected
