"""More ways out of a program that were tried: by what came with requests, with queries, and with large answers."""

from typing import Any

import pytest

from app.engine.sandbox import CodeError
from tests.engine.running import Engine

SCOPE: dict[str, Any] = {"items": [{"json": {"n": 7}}], "nodes": {}, "nodeNames": [], "timezone": "UTC"}


@pytest.mark.parametrize(
    "attempt",
    [
        "helpers.httpRequest.constructor('return process')()",
        "Object.getPrototypeOf(helpers.request).constructor('return process')()",
        "helpers.prepareBinaryData.constructor('return process')()",
        "helpers.createReadStream('/etc/passwd')",
        "helpers.getBinaryStream('/etc/passwd')",
        "helpers.writeContentToFile('/tmp/x', 'x')",
        "helpers.getSSHClient({})",
        "this.helpers.httpRequestWithAuthentication.call(this, 'x', {})",
        "$makeFunction('return process')()",
        "globalThis.$makeFunction('return 1')()",
        "Reflect.construct(Function, ['return process'])()",
        "Reflect.apply(eval, undefined, ['process'])",
        "new (Object.getPrototypeOf(async function* () {}).constructor)('yield process')",
        "[].constructor.constructor('return process')()",
        "Buffer.from.constructor('return process')()",
        "Buffer.constructor.constructor('return process')()",
        "DateTime.now.constructor('return process')()",
        "setTimeout.constructor('return process')()",
        "new Proxy(Function, {}).call(null, 'return process')()",
        "globalThis.process.binding('fs')",
        "module.constructor._load('fs')",
        "require.main.require('fs')",
        "Error.prepareStackTrace(new Error('x'), [{ getFileName: () => 'workflow-code' }]).process.exit()",
        "structuredClone(process)",
        "queueMicrotask.constructor('return process')()",
    ],
)
def test_a_program_gets_nothing_by_what_was_added_for_it(attempt: str, engine: Engine) -> None:
    source = f"const got = await ({attempt}); return [{{json: {{got: typeof got}}}}]"
    with pytest.raises(CodeError):
        engine.wait_for(engine.sandbox.run_code(source, SCOPE))
