"""What a package's node gives counts to the memory of its run."""

import tracemalloc

from app.engine.run.memory import Meter
from app.engine.run.ports import Ports
from tests.engine.histories import MemoryHistory
from tests.packages.running import PackageEngine, workflow_of

MIB = 2**20


def test_a_node_that_gives_much_is_refused_before_it_is_read(packages: PackageEngine) -> None:
    code = "return [Array.from({ length: 200_000 }, () => ({ json: {} }))]"
    ports = Ports(history=MemoryHistory(), meter=Meter(8 * MIB))
    tracemalloc.start()
    outcome = packages.run(workflow_of("script", {"code": code}), ports=ports)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert outcome.error is not None
    assert outcome.error.node == "Node"
    assert "8 MiB" in outcome.error.message
    assert "EXECUTIONS_RUN_BYTES" in outcome.data["resultData"]["error"]["description"]
    assert peak < 24 * MIB
