"""The tally of a comparison: how many of each verdict, and the differences by their cause, most frequent first."""

import json
import re
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.templates.differences import Difference

VERDICTS = ("equal", "settled", "different", "not comparable", "endless", "not asked")
PROGRESS_SECONDS = 10.0


@dataclass
class Cause:
    """Differences that look alike: how many, and the first one."""

    number: int
    example: str


@dataclass
class Report:
    """What was found so far; `progress` says it now and then."""

    what: str
    counted: Counter[str] = field(default_factory=Counter)
    causes: dict[tuple[str, str, str], Cause] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    _said_at: float = field(default_factory=time.monotonic)

    def count(self, verdict: str, reason: str | None = None) -> None:
        assert verdict in VERDICTS
        self.counted[verdict] += 1
        if reason:
            self.reasons[f"{verdict}: {reason}"] += 1

    def differ(self, kind: str, difference: Difference, source: str) -> None:
        """Count a difference under its cause. `source` tells where it was found."""
        self.count("different")
        cause = self.causes.setdefault((kind, difference.what, _outline(difference)), Cause(0, ""))
        cause.number += 1
        if cause.number == 1:
            cause.example = f"{source}: {difference.detail}"
            print(f"  {kind}, {difference.what}: {cause.example}", flush=True)

    def progress(self, done: int, of: int) -> None:
        if time.monotonic() - self._said_at > PROGRESS_SECONDS or done == of:
            self._said_at = time.monotonic()
            print(f"{self.what}: {done} of {of}: {self._figures()}", flush=True)

    def _figures(self) -> str:
        return ", ".join(f"{self.counted[each]} {each}" for each in VERDICTS if self.counted[each])

    def __str__(self) -> str:
        lines = [f"{self.what}: {self._figures()}"]
        lines += [f"  {number:6} {reason}" for reason, number in self.reasons.most_common()]
        lines += ["different, by node type and what differs first (reference | here):"] if self.causes else []
        for (kind, what, _), cause in sorted(self.causes.items(), key=lambda each: -each[1].number):
            lines.append(f"  {cause.number:6} {kind}, {what}: {cause.example}")
        return "\n".join(lines)


def _outline(difference: Difference) -> str:
    """A difference without the words that only its example has."""
    sides = json.dumps([difference.theirs, difference.ours])[:400]
    return re.sub(r'"[^"]{40,}"|\d+', "_", sides)[:100]
