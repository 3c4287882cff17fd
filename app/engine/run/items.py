"""Items: what travels between nodes. Knows nobody.

An item is `{"json": {...}}`, where it carries files with `binary`, and where it came from with `pairedItem`.
"""

from typing import Any

Item = dict[str, Any]
Outputs = list[list[Item]]
"""The items at each output of a node."""
InputSource = dict[str, Any]
"""Where the items of an input come from: previousNode, previousNodeOutput, previousNodeRun."""
