"""Notices that a process does not answer while nothing should run in it. Kills nothing itself.

It counts checks, not time: a worker that was frozen, or whose loop was blocked, has not checked meanwhile, and the
answer may lie unread. A check counts less where the machine has kept the process waiting for a processor.
"""

from __future__ import annotations

from app.engine.sandbox.process import NodeProcess

ASK_SECONDS = 0.5
"""How often it is asked whether it is there."""
LOOK_SECONDS = 0.2
"""How often it is looked at from when it was asked."""
LOOKS = 6
"""So many looks without a word, and it is silent, where nothing else is said."""
MIN_WORTH = 0.25
"""What a look is worth at least, so that whoever computes on a busy machine is found out, too."""


class Silence:
    """The silence of one process, which may last for about so many seconds."""

    def __init__(self, process: NodeProcess, seconds: float = LOOKS * LOOK_SECONDS) -> None:
        self._process = process
        self._most_looks = round(seconds / LOOK_SECONDS)
        self._asked = False
        self._looks = 0.0
        self._progress = (0, 0)
        self._waited = 0.0

    @property
    def seconds(self) -> float:
        """For how long it is known not to answer."""
        return self._looks * LOOK_SECONDS if self._asked else 0.0

    @property
    def next_look(self) -> float:
        """In how many seconds to look again."""
        return LOOK_SECONDS if self._asked else ASK_SECONDS

    def end(self) -> None:
        """It has answered, or may be busy now."""
        self._asked = False

    def look(self, hurried: bool = False) -> bool:
        """Whether it is silent; asks it where it was not asked yet. `hurried`: nothing should run in it any more."""
        progress, waited = self._process.progress, self._process.waited_seconds
        share = (waited - self._waited) / LOOK_SECONDS
        moved = progress != self._progress
        self._progress, self._waited = progress, waited
        if not self._asked:
            self._asked, self._looks = True, 0.0
            self._process.ask()
        elif moved:
            self._looks = 0.0
        else:
            self._looks += max(MIN_WORTH, 1.0 - share)
        return self._looks >= (min(LOOKS, self._most_looks) if hurried else self._most_looks)
