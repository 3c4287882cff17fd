"""Whether a recorded run failed at once, so that a retry from the failure begins where the run did."""

import msgspec


class _Named(msgspec.Struct):
    name: str = ""


class _DueNode(msgspec.Struct):
    node: _Named = msgspec.field(default_factory=_Named)


class _Ended(msgspec.Struct, rename="camel"):
    execution_status: str | None = None


class _Runs(msgspec.Struct, rename="camel"):
    run_data: dict[str, list[_Ended]] = {}


class _Stack(msgspec.Struct, rename="camel"):
    node_execution_stack: list[_DueNode] = []


class _State(msgspec.Struct, rename="camel"):
    result_data: _Runs = msgspec.field(default_factory=_Runs)
    execution_data: _Stack = msgspec.field(default_factory=_Stack)


def begins_at_failure(data: bytes | None) -> bool:
    """Whether a retry from the failure begins where the run did: nothing but the node that failed has run."""
    try:
        state = msgspec.json.decode(data or b"{}", type=_State)
    except msgspec.DecodeError:
        return False
    runs = [(name, run) for name, every in state.result_data.run_data.items() for run in every]
    due = [task.node.name for task in state.execution_data.node_execution_stack[:1]]
    return not runs or (len(runs) == 1 and [runs[0][0]] == due and runs[0][1].execution_status != "success")
