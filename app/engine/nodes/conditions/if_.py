"""IF, version 2: sends each item to one of two outputs."""

from app.engine.nodes.conditions.partition import separate
from app.engine.run.registry import node

node("if", [2, 2.1, 2.2, 2.3], outputs=2, exact=True, wraps_expression_errors=True, groups=["conditions"])(separate)
