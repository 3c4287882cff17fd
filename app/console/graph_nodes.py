"""Nodes and sticky notes as they are drawn: their places, icons and labels, and how a node went. Knows nobody."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from unicodedata import category, east_asian_width

SIZE = 96
"""Width and height of a node, as n8n draws it."""
LINE = 20
"""Most letters of usual width in a line of a label."""
SPARE = 2
"""How much longer the last line of a label may be, or one with a single word, before it is cut."""
NARROW = frozenset(" !'(),.:;I[]fijlrt|")
WIDE = frozenset("%@MWmw")
FARTHEST = 100_000
NOTE_SIZE = (240, 160)
STICKY = "n8n-nodes-base.stickyNote"

_ICONS = (
    (r"stickyNote", "file"),
    (r"webhook|respondToWebhook", "webhook"),
    (r"(schedule|interval|cron)(Trigger)?$|\.wait$|dateTime", "clock"),
    (r"manualTrigger|formTrigger|\.form$|chatTrigger", "cursor"),
    (r"errorTrigger|stopAndError", "problem"),
    (r"emailSend|emailReadImap|gmail|mail", "mail"),
    (r"httpRequest|rssFeed|graphql", "globe"),
    (r"postgres|mysql|redis|mongo|dataTable|database", "database"),
    (r"\.(code|function|functionItem|executeCommand)$", "code"),
    (r"\.(if|switch|filter)$", "branch"),
    (r"\.(merge|compareDatasets|aggregate|summarize)$", "merge"),
    (r"splitInBatches", "loop"),
    (r"executeWorkflow", "workflow"),
    (r"file|File|spreadsheet|compression|convert|extract|html|markdown|xml", "file"),
    (r"\.(set|renameKeys|editImage|crypto)$", "edit"),
    (r"\.(splitOut|itemLists|sort|limit|removeDuplicates)$", "stack"),
    (r"langchain|openAi|agent", "spark"),
    (r"^n8n-nodes-base\.", "node"),
    (r"", "package"),
)
ICONS = tuple((re.compile(pattern), icon) for pattern, icon in _ICONS)


@dataclass(slots=True)
class NodeDrawing:
    """A node as it is drawn. `status` None: it has not run. `runs` counts them, `leads_to` names where lines lead.

    `failed_tries`: how often it has failed in the run that is under way.
    """

    name: str
    type: str
    x: float
    y: float
    size: int
    icon: str
    lines: list[str]
    disabled: bool = False
    status: str | None = None
    runs: int = 0
    message: str | None = None
    failed_tries: int = 0
    leads_to: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """Its type without the name of its package."""
        return self.type.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Note:
    """A sticky note."""

    x: float
    y: float
    width: float
    height: float
    lines: list[str]


def as_list(value: Any) -> Sequence[Any]:
    """The value, or nothing where it is no list."""
    return value if isinstance(value, list) else []


def as_object(value: Any) -> Mapping[str, Any]:
    """The value, or nothing where it is no object."""
    return value if isinstance(value, dict) else {}


def place(position: Any) -> tuple[float, float]:
    """Where a node is; a position that is none is the origin."""
    fits = isinstance(position, list) and len(position) == 2
    if not fits or not all(isinstance(each, int | float) for each in position):
        return 0, 0
    x, y = (max(-FARTHEST, min(FARTHEST, each)) for each in position)
    return x, y


def draw_node(node: Mapping[str, Any], x: float, y: float, size: int) -> NodeDrawing:
    """A node of a workflow, as it is before it has run."""
    name, kind = str(node.get("name", "")), str(node.get("type", ""))
    return NodeDrawing(name, kind, x, y, size, icon_of(kind), label(name), disabled=bool(node.get("disabled")))


def icon_of(kind: str) -> str:
    """The icon for a type of node."""
    return next(icon for pattern, icon in ICONS if pattern.search(kind))


def label(name: str, lines: int = 2, length: float = LINE) -> list[str]:
    """A text in a few lines of about so many letters of usual width, cut with an ellipsis."""
    rest, label_lines = " ".join(name.split()), list[str]()
    while rest and len(label_lines) < lines - 1:
        end = line_end(rest, length)
        label_lines.append(rest[:end])
        rest = rest[end:].lstrip()
    if rest and fitting(rest, length + SPARE) < len(rest):
        rest = rest[: fitting(rest, length + SPARE - 1)].rstrip() + "…"
    return [*label_lines, rest] if rest else label_lines


def line_end(text: str, length: float) -> int:
    """Where a line of the text ends: at a blank, or within a word that is longer than a line."""
    end = fitting(text, length)
    if end == len(text) or text[end] == " ":
        return end
    begin = text.rfind(" ", 0, end)
    if begin > 0:
        return begin
    most = fitting(text, length + SPARE)
    blank = f"{text[: most + 1]} ".find(" ", end, most + 1)
    return blank if blank > 0 else end


def fitting(text: str, length: float) -> int:
    """How many letters from the beginning on are at most so wide together."""
    for place, letter in enumerate(text):
        length -= width_of(letter)
        if length < 0:
            return place
    return len(text)


def width_of(letter: str) -> float:
    """About how wide a letter is, where most small ones are 1."""
    if letter in NARROW:
        return 0.6
    if letter in WIDE:
        return 1.8
    if letter.isascii():
        return 1.3 if letter.isupper() else 1
    if category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if east_asian_width(letter) in "WF" or letter.isupper() else 1.2


def draw_note(node: Mapping[str, Any], x: float, y: float) -> Note:
    """A sticky note with as much of its text as it has room for."""
    parameters = as_object(node.get("parameters"))
    sizes = [parameters.get(name) for name in ("width", "height")]
    width, height = (
        float(given) if isinstance(given, int | float) and 0 < given < FARTHEST else default
        for given, default in zip(sizes, NOTE_SIZE, strict=True)
    )
    letters, lines = max(int(width // 7.5), 8), max(int(height // 20) - 1, 1)
    text = str(parameters.get("content", ""))[:5_000]
    return Note(x, y, width, height, label(text, lines, letters))


def add_runs(node: NodeDrawing, summary: Mapping[str, Any] | None) -> None:
    """How the node went: by its last run, or by the last that failed."""
    if not summary or not summary["runs"]:
        return
    node.runs = summary["runCount"]
    last = summary.get("lastRun") or summary["runs"][-1]
    failed = [run for run in (*summary["runs"], last) if run["error"]]
    node.status = "error" if last["error"] else last["executionStatus"] or "success"
    if failed:
        node.message = failed[-1]["error"]["message"]
