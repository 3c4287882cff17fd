"""What a run knows of the execution that it belongs to."""

from dataclasses import dataclass, field
from typing import Any

from app.engine.run.ports import Ports


@dataclass(frozen=True, slots=True)
class ExecutionInfo:
    """What nodes learn of the execution as a whole, and what of the world outside is within its reach."""

    id: str
    mode: str
    ports: Ports = field(default_factory=Ports)

    def scope(self) -> dict[str, Any]:
        """What expressions see as `$execution`."""
        resume_url, form_url = self.ports.waiting_urls()
        by_hand = self.mode in ("manual", "test")
        return {
            "id": self.id,
            "mode": "test" if by_hand else "production",
            "startedBy": "manual" if by_hand else self.mode,
            "resumeUrl": resume_url,
            "resumeFormUrl": form_url,
        }
