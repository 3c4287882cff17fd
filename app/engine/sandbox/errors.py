"""What can go wrong when the JavaScript of a workflow runs."""

MEMORY_SETTING = "EXECUTIONS_SANDBOX_MEMORY_MB"
"""How much memory the JavaScript of one process may use, in MiB."""


class SandboxError(Exception):
    """The sandbox could not run the JavaScript."""


class SandboxTimeout(SandboxError):
    """The JavaScript did not finish within its time limit."""


class SandboxComputing(SandboxTimeout):
    """The same for JavaScript that computed without a pause until it was ended."""


class SandboxMemory(SandboxError):
    """The JavaScript needed more memory than a sandbox process may use."""


class SandboxEnded(SandboxError):
    """The process of the JavaScript has ended while it ran."""


class SandboxBusy(SandboxError):
    """All processes were held by others for longer than a request waits for one."""


class ExpressionError(Exception):
    """An expression failed in a way that fails its node; the message is n8n's."""

    def __init__(
        self,
        message: str,
        *,
        description: str | None = None,
        item_index: int | None = None,
        kind: str | None = None,
        node_name: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.description = description
        self.item_index = item_index
        self.kind = kind
        self.node_name = node_name


class CodeError(Exception):
    """A Code node's program threw, could not be parsed, or returned something that is not items.

    `malformed`: not what the program threw, but what is wrong with the way it was written or with what it returned.
    `is_thrown`: the program has not come to its end.
    """

    def __init__(
        self,
        message: str,
        *,
        description: str | None = None,
        line: int | None = None,
        item_index: int | None = None,
        name: str | None = None,
        malformed: bool = False,
        is_thrown: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.description = description
        self.line = line
        self.item_index = item_index
        self.name = name
        self.malformed = malformed
        self.is_thrown = is_thrown
