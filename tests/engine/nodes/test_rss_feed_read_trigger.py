"""RSS Feed Trigger: what is there at the first look is known, what comes later is found once."""

from app.engine.nodes import rss_feed_read_trigger
from app.engine.run.context import NodeContext
from app.engine.run.execution_info import ExecutionInfo
from app.engine.run.parsing import parse_workflow
from app.engine.run.ports import Ports
from app.engine.run.state import RunState
from app.outgoing.addresses import AddressRules
from app.outgoing.client import Outgoing
from tests.engine.nodes import far_side
from tests.workflows import node, workflow

ENTRY = "<item><title>T{0}</title><guid>g{0}</guid><pubDate>Sat, 28 Nov 2026 0{0}:00:00 GMT</pubDate></item>"


def feed(*numbers: int) -> tuple[int, str, bytes]:
    entries = "".join(ENTRY.format(number) for number in numbers)
    text = f'<rss version="2.0"><channel><title>C</title>{entries}<item><title>undated</title></item></channel></rss>'
    return 200, "application/rss+xml", text.encode()


def test_only_what_is_newer_than_the_last_look_is_found(engine, monkeypatch) -> None:
    with far_side.running() as address:
        parameters = {"feedUrl": "={{ $workflow.name === 'Test' ? '" + address + "/changing' : '' }}"}
        document = workflow([node("Feed", "rssFeedReadTrigger", parameters)])
        state = RunState(parse_workflow(document, engine.types))
        ports = Ports(outgoing=Outgoing(AddressRules.parse("127.0.0.1")))

        def look(*numbers: int, mode: str = "trigger") -> list[str] | None:
            monkeypatch.setitem(far_side.PLAIN_ANSWERS, "/changing", feed(*numbers))
            info = ExecutionInfo("", mode, ports)
            context = NodeContext(state.graph.nodes["Feed"], [[{"json": {}}]], None, 0, state, engine.sandbox, info)
            found = engine.wait_for(rss_feed_read_trigger.poll(context))
            return found and [item["json"]["title"] for item in found[0]]

        assert look(3, 2, 1, mode="manual") == ["T3"], "by hand the newest is shown, and nothing kept"
        assert look(2, 1) is None
        assert look(2, 1) is None
        assert look(5, 4, 2, 1) == ["T5", "T4"]
        assert look(5, 4) is None
        assert look(3) is None, "an older one that comes late is not new"
        assert state.static_data.changes() == {"node:Feed": {"lastItemDate": "2026-11-28T05:00:00.000Z"}}
        assert look(6, 5) == ["T6"]


def test_run_by_hand_it_looks(engine) -> None:
    with far_side.running() as address:
        document = workflow([node("Feed", "rssFeedReadTrigger", {"feedUrl": f"{address}/feed"})])
        ports = Ports(outgoing=Outgoing(AddressRules.parse("127.0.0.1")))
        [run] = engine.run(document, ports=ports).data["resultData"]["runData"]["Feed"]
        assert [item["json"]["title"] for item in run["data"]["main"][0]] == ["First & best"]
