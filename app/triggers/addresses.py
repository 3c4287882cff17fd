"""Where what people or programs call is found: the path of its address on this server."""

from typing import Protocol

from app.triggers import forms, mcp
from app.triggers.paths import path_as_shown

AS_WEBHOOK = "n8n-form"
"""How the path of a form ends whose node is of version 1: it is called like a webhook."""


class Called(Protocol):
    """What is registered, or is to be: a webhook, form, chat or MCP server of a node."""

    @property
    def node(self) -> str:
        """The node that is called."""

    @property
    def method(self) -> str:
        """What it is kept under: a method of HTTP, or what stands for forms and MCP servers."""

    @property
    def path(self) -> str:
        """Its path, with parameters as `:name`."""

    @property
    def webhook_id(self) -> str | None:
        """What stands before a path that has parameters."""


def path_of(hook: Called) -> str:
    """The path on this server that leads there."""
    called = path_as_shown(f"{hook.webhook_id}/{hook.path}" if hook.webhook_id else hook.path)
    if hook.method == forms.METHOD and called.rpartition("/")[2] != AS_WEBHOOK:
        return f"/form/{called}"
    return f"/{'mcp' if hook.method == mcp.METHOD else 'webhook'}/{called}"
