"""What a package's node gives counts to the memory of its run."""

import json
import tracemalloc

from app.engine.run.meter import Meter
from app.engine.run.ports import Ports
from tests.engine.histories import MemoryHistory
from tests.packages.running import PackageEngine, workflow_of
from tests.workflows import node, workflow

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


def test_what_a_node_asks_and_is_told_is_read_and_written_beside_the_loop(
    packages: PackageEngine, beside: list[str]
) -> None:
    child = json.dumps(workflow([node("In", "executeWorkflowTrigger")]))
    code = f"""
      const {{ data }} = await this.executeWorkflow({{ code: {child} }}, [{{ json: {{ s: 'x'.repeat(1.2e6) }} }}]);
      return [[{{ json: {{ n: data[0].length }} }}]];
    """
    assert packages.script(code) == [{"n": 1}]
    assert {"read", "_reply"} <= set(beside)
