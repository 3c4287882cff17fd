"""What proved the caller of a webhook: hidden in what is stored of its call, and seen by the run that it starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.credentials.masking import HIDDEN, SHORT, Mask


@dataclass(frozen=True, slots=True)
class Proof:
    """Headers by their lower-case names; `secrets` are those and what can be read out of them."""

    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.headers)

    @classmethod
    def of_header(cls, name: str, value: str, *more: str) -> "Proof":
        """The proof that one header was, and what else stands in it; what is short of that looks like other texts."""
        return cls({name.lower(): value}, (value, *(part for part in more if len(part) >= SHORT)))

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Proof":
        """The proof from what `to_json` has made of one."""
        return cls(dict(stored["headers"]), tuple(stored["secrets"]))

    def to_json(self) -> dict[str, Any]:
        """What `from_json` reads."""
        return {"headers": dict(self.headers), "secrets": list(self.secrets)}

    @property
    def mask(self) -> Mask:
        """Masks it in what is recorded."""
        return Mask(self.secrets)

    def hide(self, item: dict[str, Any]) -> None:
        """Let a call's item hold no proof."""
        headers = item["json"]["headers"]
        headers.update((name, HIDDEN) for name in self.headers if name in headers)

    def show(self, items: list[dict[str, Any]]) -> None:
        """Give a call's items back what `hide` has taken; what an MCP client sends holds no headers."""
        for item in items[:1]:
            if isinstance(headers := item["json"].get("headers"), dict):
                headers.update(self.headers)


NO_PROOF = Proof()
