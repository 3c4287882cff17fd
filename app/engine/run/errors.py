"""What can go wrong inside a node, and the document that n8n's clients know it by.

Knows no node and no graph: the executor says which node failed.
"""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any


class NodeError(Exception):
    """A node could not do what its workflow asks; ends the node, not the program.

    `description` is the longer explanation, `item_index` the input item at fault, `name` n8n's class of error.
    An `anonymous` error does not name the node in its document, as some of n8n's do not; one of no class of n8n's own
    has nothing of a node's error there.
    """

    CLASS = "NodeOperationError"

    def __init__(
        self,
        message: str,
        *,
        description: str | None = None,
        item_index: int | None = None,
        name: str = CLASS,
        context: dict[str, Any] | None = None,
        anonymous: bool = False,
        level: str = "warning",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.level = level
        self.description = description
        self.item_index = item_index
        self.name = name
        self.context = dict(context or {})
        self.anonymous = anonymous
        if item_index is not None:
            self.context.setdefault("itemIndex", item_index)

    def document(self, node: dict[str, Any] | None) -> dict[str, Any]:
        """The error as it stands in run data; `node` is the workflow's node that failed."""
        document: dict[str, Any]
        if self.anonymous and self.name == NodeError.CLASS:
            document = {"level": self.level, "tags": {}, "message": self.message, "stack": f"Error: {self.message}"}
            return document if self.description is None else {**document, "description": self.description}
        document = {
            "level": self.level,
            "tags": {},
            "timestamp": int(time.time() * 1000),
            "context": self.context,
            "functionality": "regular",
            "name": self.name,
            "messages": [],
            "message": self.message,
            "stack": f"{self.name}: {self.message}",
        }
        if node is not None and not self.anonymous:
            document["node"] = node
        if self.description is not None:
            document["description"] = self.description
        return document


class CodeNodeError(NodeError):
    """The user's own code failed. n8n gives such an error no `node`, but the line it comes from.

    `malformed`: the code is at fault and not an item, so that the node fails even where it goes on after errors.
    """

    def __init__(
        self,
        message: str,
        *,
        description: str | None = None,
        line: int | None = None,
        item_index: int | None = None,
        malformed: bool = False,
    ) -> None:
        super().__init__(message, item_index=item_index, name="WrappedExecutionError")
        self.explanation = description
        self.line = line
        self.malformed = malformed

    def document(self, node: dict[str, Any] | None) -> dict[str, Any]:
        """n8n's document of it: `lineNumber` only where a line is known, and never a `node`."""
        document: dict[str, Any] = {
            "level": "info",
            "description": self.explanation,
            "tags": {},
            "name": self.name,
            "message": self.message,
            "stack": f"{self.name}: {self.message}",
        }
        if self.line is not None:
            document["lineNumber"] = self.line
        if self.item_index is not None:
            document["context"] = self.context
        return document


class ChildError(NodeError):
    """A sub-workflow has failed: its own error, if it is known, stands for the node that ran it.

    `about` says which execution it was: {"executionId", "workflowId"}.
    """

    def __init__(self, message: str, failure: dict[str, Any] | None, about: dict[str, Any] | None) -> None:
        super().__init__(message)
        self.failure = failure
        self.about = about

    def document(self, node: dict[str, Any] | None) -> dict[str, Any]:
        """The document of the sub-workflow's own error where it is known, with the execution that it was."""
        document = dict(self.failure) if self.failure is not None else super().document(node)
        return {**document, **(self.about or {})}


class SubNodeError(NodeError):
    """A sub-node cannot supply what the node needs that it hangs on; `at` is the sub-node, as its workflow holds it."""

    def __init__(self, at: dict[str, Any], why: str, item_index: int) -> None:
        super().__init__(f"Error in sub-node {at['name']}", description=why, item_index=item_index)
        self.at = at

    def document(self, node: dict[str, Any] | None) -> dict[str, Any]:
        """The document with the sub-node as `node`, whatever node was running."""
        return {**super().document(self.at), "functionality": "configuration-node"}


class WaitRequested(Exception):
    """A node asks to go on at `until` (aware UTC), or before that when what `resume_on` names happens.

    `asks`: the node's parameters with their values, where whoever is to call needs them before.
    """

    def __init__(self, until: datetime, resume_on: str | None = None, asks: dict[str, Any] | None = None) -> None:
        super().__init__(until.isoformat())
        self.until = until
        self.resume_on = resume_on
        self.asks = asks


@dataclass(frozen=True, slots=True)
class RunError:
    """Why a run failed, short enough for a list: the node at fault (None: the workflow itself) and the message."""

    node: str | None
    message: str


def forget_frames(error: BaseException) -> None:
    """Let go of what an exception, and those that it came from, hold by their tracebacks.

    A frame that has in a variable what it raises, or a list in which that is kept, stands in a circle with it, and with
    all that a node had made. That would stay until the collector comes by.
    """
    due: list[BaseException | None] = [error]
    while due:
        each = due.pop()
        if each is not None and each.__traceback__ is not None:
            each.__traceback__ = None
            due += [each.__cause__, each.__context__]
