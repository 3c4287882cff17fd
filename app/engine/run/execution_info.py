"""What a run knows of the execution that it belongs to."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from app.engine.run.ports import Ports


@dataclass(frozen=True, slots=True)
class ExecutionInfo:
    """What nodes learn of the execution as a whole, and what of the world outside is within its reach."""

    id: str
    mode: str
    ports: Ports = field(default_factory=Ports)

    def scope(self, texts: Sequence[str] = ()) -> dict[str, Any]:
        """What the texts see as `$execution`; its addresses, which have to be signed, where one may look at them."""
        by_hand = self.mode in ("manual", "test")
        seen: dict[str, Any] = {
            "id": self.id,
            "mode": "test" if by_hand else "production",
            "startedBy": "manual" if by_hand else self.mode,
        }
        if any(map(_MAY_LOOK.search, texts)):
            seen["resumeUrl"], seen["resumeFormUrl"] = self.ports.waiting_urls()
        return seen


_MAY_LOOK = re.compile(r"xecution|resume|param|eval|function|construct|global|self|this|\\", re.IGNORECASE)
"""What a text says that looks at `$execution`, or evaluates another one, or spells a name in a way of its own."""
