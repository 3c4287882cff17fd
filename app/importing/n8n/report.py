"""What an import did, and what it could not do: for people as text, for programs as JSON."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from app.importing.n8n.rehearsal import Rehearsed
from app.importing.n8n.sentences import Sentences

MAX_NAMED = 20
"""Executions that a loss names by their ids; the others are counted."""

WRITTEN = {"created", "updated", "brought up to date", "stored", "accepted"}
"""What became of things that a pass has changed here."""
AS_BEFORE = {"unchanged", "here already", "known", "not ended yet"}
"""What became of things that no pass has to do anything about."""


@dataclass(slots=True)
class WorkflowFindings:
    """A workflow that will not do here what it does there, and why: sentences that say what to do."""

    id: str
    name: str
    active: bool
    findings: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """Counts by what was looked at and what became of it, findings by workflow, and losses by reason."""

    source: str
    dry_run: bool = False
    careful: bool = False
    """Of a pass that undoes each thing alone, because PostgreSQL has refused one of them. It takes longer."""
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    workflows: list[WorkflowFindings] = field(default_factory=list)
    losses: dict[str, list[int]] = field(default_factory=dict)
    rehearsed: list[Rehearsed] = field(default_factory=list)
    notes: Sentences = field(default_factory=Sentences)
    """What concerns the whole: sentences."""

    def count(self, kind: str, what: str, number: int = 1) -> None:
        """Add to what became of things of a kind: `count("workflows", "created")`."""
        self.counts.setdefault(kind, Counter())[what] += number

    def lose(self, execution_id: int, reason: str) -> None:
        """Note what of an execution could not be brought."""
        named = self.losses.setdefault(reason, [])
        if not named or named[-1] != execution_id:
            named.append(execution_id)

    def note(self, sentence: str) -> None:
        """Note a sentence about the whole, once."""
        self.notes.add(sentence)

    def to_json(self) -> dict[str, Any]:
        """The report as a program reads it."""
        return {
            "source": self.source,
            "dryRun": self.dry_run,
            "counts": {kind: dict(counts) for kind, counts in self.counts.items()},
            "workflows": [
                {"id": each.id, "name": each.name, "active": each.active, "findings": each.findings}
                for each in self.workflows
            ],
            "losses": [
                {"reason": reason, "executions": len(ids), "ids": [str(id) for id in ids[:MAX_NAMED]]}
                for reason, ids in self.losses.items()
            ],
            "rehearsed": [each.to_json() for each in self.rehearsed],
            "notes": self.notes,
        }

    def lines(self) -> Iterator[str]:
        """The report as people read it."""
        yield self.headline()
        yield from self.count_lines()
        yield from self.detail_lines()

    def headline(self) -> str:
        """What this is a report of."""
        return f"{'Would import' if self.dry_run else 'Imported'} from {self.source}"

    def count_lines(self, earlier: "Report | None" = None) -> Iterator[str]:
        """What became of how many. After an `earlier` pass: only what this one has written, or has otherwise found."""
        for kind, counts in self.counts.items():
            last = Counter[str]() if earlier is None else earlier.counts.get(kind, Counter[str]())
            shown = [
                f"{number:,} {what}"
                for what, number in counts.items()
                if earlier is None or what in WRITTEN or (what not in AS_BEFORE and last[what] != number)
            ]
            if shown:
                yield f"  {kind}: " + ", ".join(shown)

    def detail_lines(self) -> Iterator[str]:
        """What to look at, and what was lost."""
        odd = [each for each in self.workflows if each.findings]
        if odd:
            yield f"Workflows to look at: {len(odd)}"
        for each in odd:
            yield f"  {each.name} ({each.id}{', active in n8n' if each.active else ''})"
            yield from (f"    - {finding}" for finding in each.findings)
        if self.losses:
            yield "Not brought whole:"
        for reason, ids in self.losses.items():
            named = ", ".join(map(str, ids[:MAX_NAMED])) + (", ..." if len(ids) > MAX_NAMED else "")
            yield f"  {len(ids):,} executions: {reason} ({named})"
        yield from self.notes
