"""The actions of n8n-nodes-base that published templates use most and that are not built in."""

from collections import Counter
from pathlib import Path

from app.engine import nodes
from tests.packages.cache import added
from tests.templates import database

BASE, VERSION = "n8n-nodes-base", "2.40.2"
MAX_ACTIONS = 100


def popular_actions(most: int = MAX_ACTIONS) -> list[str]:
    """Their types, the one in most templates first. Raises DatabaseMissing."""
    own = nodes.load()
    manifest = added(BASE, VERSION, accepts=True).manifest
    actions = {node.type for node in manifest.nodes if "execute" in node.runs or "routing" in node.runs}
    counts: Counter[str] = Counter()
    for template in database.read(Path(database.fetch(database.cache_folder()))):
        counts.update({str(node.get("type")) for node in template.nodes})
    return [kind for kind, _ in counts.most_common() if kind in actions and kind not in own][:most]
