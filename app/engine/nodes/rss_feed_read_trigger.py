"""RSS Feed Trigger: looks for entries of a feed that are newer than those of the last look."""

from datetime import UTC, datetime
from typing import Any

from app import dates
from app.engine.nodes.rss_feed_read import read_feed
from app.engine.nodes.shared.issues import Required, rules
from app.engine.nodes.shared.trigger_items import pass_on
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.items import Outputs
from app.engine.run.registry import node

LAST = "lastItemDate"
ISSUES = rules(Required("feedUrl", "Feed URL"))


async def poll(context: NodeContext) -> Outputs | None:
    """The entries since the last look, of which the first one only notes the newest; by hand, the newest entry."""
    url = await context.resolve_first(context.parameters.get("feedUrl", ""), parameter="feedUrl")
    if not url:
        raise NodeError("The parameter 'URL' has to be set!")
    entries = await read_feed(context, str(url).strip())
    if context.execution.mode == "manual":
        return [[{"json": entry} for entry in entries[:1]]] if entries else None
    last = _date(context.read_static_data().get(LAST))
    dated = [(entry, moment) for entry in entries if (moment := _date(entry.get("isoDate"))) is not None]
    if dated:
        newest = max(moment for _, moment in dated)
        context.save_static_data({**context.read_static_data(), LAST: dates.to_iso(max(newest, last or newest))})
    new = [{"json": entry} for entry, moment in dated if last is not None and moment > last]
    return [new] if new else None


def _date(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@node("rssFeedReadTrigger", [1], trigger=True, issues=ISSUES, poll=poll)
async def rss_feed_read_trigger(context: NodeContext) -> Outputs:
    return pass_on(context)
