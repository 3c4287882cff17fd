"""The node types that an operator wants run from a package although this program has them itself."""

from app.environment import SettingsError

BASE = "n8n-nodes-base."
CAN_BE_PACKAGED = frozenset(
    {
        "compression",
        "convertToFile",
        "crypto",
        "dateTime",
        "emailSend",
        "extractFromFile",
        "html",
        "httpRequest",
        "markdown",
        "postgres",
        "rssFeedRead",
        "spreadsheetFile",
        "xml",
    }
)
"""Those that act by themselves. Of the rest, triggers and what decides how a workflow runs are known to the engine, and
what runs programs of a workflow would do so beside the code of packages."""


def parse_packaged_nodes(text: str, variable: str) -> frozenset[str]:
    """The full names of types, which commas stand between. Raises SettingsError for one that is not to be had."""
    names = {part.strip().removeprefix(BASE) for part in text.split(",")} - {""}
    if wrong := sorted(names - CAN_BE_PACKAGED):
        can = ", ".join(sorted(CAN_BE_PACKAGED))
        raise SettingsError(f"{variable} names {wrong[0]}, which cannot be of a package: these can: {can}")
    return frozenset(BASE + name for name in names)
