"""Execute Command: runs a command of the workflow's on the worker's machine, where the operator has allowed it."""

import asyncio
import contextlib
import os
import signal
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from app.engine.nodes.shared.failed_items import failed_item
from app.engine.nodes.shared.issues import Required, rules
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.items import Item, Outputs
from app.engine.run.registry import node
from app.engine.values import conversions

SETTING = "EXECUTIONS_EXECUTE_COMMAND"
SECONDS = 300.0
MAX_OUTPUT = 2**20
"""Bytes of what a command may write, on each of its two ways."""
PIECE = 64 * 2**10
LEAVE_SECONDS = 5.0
"""How long what a killed command has started is waited for, where it has left the command's session."""
ISSUES = rules(Required("command", "Command"))


@node("executeCommand", [1], issues=ISSUES)
async def execute_command(context: NodeContext) -> Outputs:
    if not context.execution.ports.commands:
        raise NodeError(
            "Commands are not allowed here.",
            description=f"Whoever runs this server can allow them for all workflows: {SETTING}=on, for each worker.",
        )
    items = context.items[:1] if context.parameters.get("executeOnce", True) else context.items
    asked = await context.resolve(context.parameters.get("command", ""), parameter="command", items=items)
    output: list[Item] = []
    async with _folder(context.execution.ports.files) as folder:
        for index, command in enumerate(asked):
            try:
                json = await _run(conversions.display(command), folder, index)
                output.append({"json": json, "pairedItem": {"item": index}})
            except NodeError as error:
                output.append(failed_item(context, error, index))
    return [output]


@asynccontextmanager
async def _folder(files: Path | None) -> AsyncIterator[Path]:
    """Where commands run: in the project's own folder, or in one that is gone afterwards."""
    if files is not None:
        files.mkdir(parents=True, exist_ok=True)
        yield files
        return
    made = tempfile.TemporaryDirectory(prefix="command-", ignore_cleanup_errors=True)
    try:
        yield Path(made.name)
    finally:
        await asyncio.to_thread(made.cleanup)


async def _run(command: str, folder: Path, index: int) -> dict[str, Any]:
    """What a command has written, and how it has ended. Raises NodeError for one that fails."""
    if "\x00" in command:
        raise NodeError("The command holds a NUL character.", item_index=index)
    process = await _start(command, folder)
    readers = [asyncio.ensure_future(_read(*each)) for each in ((process.stdout, "stdout"), (process.stderr, "stderr"))]
    try:
        async with asyncio.timeout(SECONDS):
            stdout, stderr = await asyncio.gather(*readers)
            code = await process.wait()
    except TimeoutError:
        raise NodeError(f"Command failed: it takes longer than {SECONDS:g} seconds", item_index=index) from None
    except OverflowError as error:
        raise NodeError(f"Command failed: {error}", item_index=index) from None
    finally:
        for reader in readers:
            reader.cancel()
        await _end(process)
    if code != 0:
        raise NodeError(f"Command failed: {command}\n{stderr}", item_index=index, context={"exitCode": code})
    return {"exitCode": code, "stderr": stderr.strip(), "stdout": stdout.strip()}


async def _start(command: str, folder: Path) -> Process:
    """The command, in a session of its own, so that what it starts ends with it.

    Nothing of the worker's environment is for it. Whoever is cancelled meanwhile ends it.
    """
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_shell(
            command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            cwd=folder,
            env={"PATH": os.environ.get("PATH", os.defpath)},
            start_new_session=True,
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        # Cut short, asyncio would wait for ever for what the command has started.
        await _end(await starting)
        raise


async def _read(stream: asyncio.StreamReader | None, name: str) -> str:
    """All that comes. Raises OverflowError for too much."""
    assert stream is not None
    held = bytearray()
    while piece := await stream.read(PIECE):
        held += piece
        if len(held) > MAX_OUTPUT:
            raise OverflowError(f"it writes more than {MAX_OUTPUT:,} bytes to {name}")
    return held.decode("utf-8", "replace")


async def _end(process: Process) -> None:
    """End the command and all that it has started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.returncode is None:
        with contextlib.suppress(TimeoutError):
            await asyncio.shield(asyncio.wait_for(_drain(process), LEAVE_SECONDS))


async def _drain(process: Process) -> None:
    """Wait for the end of a killed process, which asyncio notices when all that it has written is read."""
    for stream in (process.stdout, process.stderr):
        while stream is not None and await stream.read(PIECE):
            pass
    await process.wait()
