"""Filter, version 2: keeps the items that meet its conditions."""

from app.engine.nodes.conditions.partition import separate
from app.engine.run.registry import node

node("filter", [2, 2.1, 2.2, 2.3], exact=True, wraps_expression_errors=True, groups=["conditions"])(separate)
