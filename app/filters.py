"""The filters of a list of executions, one entry each.

The query string, the cursor, the condition in SQL and the ranges of an index derive from this table, so that a filter
that is added here is known to all of them. A filter that is no column of `executions` also needs its clause in
app/repository/execution_filters.py.
"""

from dataclasses import dataclass
from typing import Literal

from app.vocabulary import MODES, STATUSES, VOTES

Kind = Literal["words", "texts", "ids", "text", "time"]
"""What is given: any of a few words, any of some texts or ids, one text, or a time."""


@dataclass(frozen=True, slots=True)
class Filter:
    """`parameter` is its name in a query string, in snake case, and `attribute` its name in ExecutionFilter.

    `column` is what it compares, of `table`; None where its clause says more. `words`: all that a filter of words can
    be given, `vain_words` those besides that match nothing. `lengths`: how short and how long one text may be,
    `has_word` that it must have a letter or a digit. `noun`: whose ids are given.
    """

    parameter: str
    attribute: str
    kind: Kind
    description: str
    column: str | None = None
    table: Literal["executions", "execution_tags", "execution_metadata", "bulk_call_executions"] = "executions"
    words: tuple[str, ...] = ()
    vain_words: tuple[str, ...] = ()
    lengths: tuple[int, int] = (1, 255)
    has_word: bool = False
    noun: str = "an execution"

    @property
    def repeatable(self) -> bool:
        """Whether it may be given more than once, which means any of the values."""
        return self.kind in ("words", "texts", "ids")


FILTERS = (
    Filter("id", "ids", "ids", "Only the execution with this id.", "id"),
    Filter(
        "status",
        "statuses",
        "words",
        "Only executions with this status.",
        "status",
        words=STATUSES,
        vain_words=("unknown",),
    ),
    Filter("mode", "modes", "words", "Only executions with this mode.", "mode", words=MODES),
    Filter("workflow_id", "workflow_ids", "texts", "Only executions of this workflow.", "workflow_id"),
    Filter("project_id", "project_ids", "texts", "Only executions of this project.", "project_id"),
    Filter("retry_of", "retry_of", "ids", "Only retries of this execution.", "retry_of"),
    Filter(
        "problem",
        "problem_ids",
        "ids",
        "Only failures of this problem (see /problems).",
        "problem_id",
        noun="a problem",
    ),
    Filter(
        "touched_by",
        "touched_by",
        "ids",
        "Only what a call of many has made or changed: `touchedBy` of its answer, known for a week, and of the newest "
        "1,000 calls of a project.",
        "call_id",
        "bulk_call_executions",
        noun="a call",
    ),
    Filter("tag", "tags", "texts", "Only executions that carry the tag with this id.", "tag_id", "execution_tags"),
    Filter("vote", "votes", "words", "Only executions with this vote.", "vote", words=VOTES),
    Filter("started_after", "started_after", "time", "Only executions started after this."),
    Filter("started_before", "started_before", "time", "Only executions started before this."),
    Filter(
        "error",
        "error",
        "text",
        "Only executions whose error message has all of these words, in any order and in capitals or not.",
        has_word=True,
    ),
    Filter(
        "metadata_key",
        "metadata_key",
        "text",
        "Only executions that noted custom data under this key.",
        "key",
        "execution_metadata",
    ),
    Filter(
        "metadata_value",
        "metadata_value",
        "text",
        "Together with metadataKey: only executions that noted exactly this value.",
        lengths=(0, 4096),
    ),
)
