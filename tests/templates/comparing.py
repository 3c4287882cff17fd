"""Runs things on both sides and says what came of each: equal, settled, different, not comparable or endless."""

import json
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.templates.bundles import Bundle, Tried, workflow_of
from tests.templates.database import Template
from tests.templates.differences import Difference, Mask, first_difference, runs_difference
from tests.templates.far_side import FarSide
from tests.templates.ours import MAX_RUNS, Ours
from tests.templates.parameters import kind, parameters
from tests.templates.reference import Reference
from tests.templates.report import Report
from tests.templates.settled import reason_for
from tests.templates.wholes import NotRunnable, going_on, runnable

Json = dict[str, Any]
UNCOMPARABLE = (
    (re.compile(r"filesystem-v2"), "shows where the reference keeps a file"),
    (re.compile(r"node_modules|evalmachine|VmCodeWrapper|\\n +at "), "shows a stack trace"),
)
RANDOM = re.compile(r"\bMath\.random\b|\brandom(?:Int|Item|UUID)\b")
REFUSED_NODE = re.compile(r"'(\d+)'(?: node has issues)?:")
TEMPLATE_SECONDS = 8.0
BUNDLE_SECONDS = 90.0


def sample(every: list[Any], limit: int | None, seed: int) -> list[Any]:
    """So many of them, chosen by the seed, in their order."""
    if limit is None or limit >= len(every):
        return every
    chosen = sorted(random.Random(seed).sample(range(len(every)), limit))
    return [every[place] for place in chosen]


@dataclass
class Comparison:
    """Both sides, and the report of what they answer."""

    ours: Ours
    reference: Reference
    report: Report
    far_side: FarSide

    def compare_templates(self, templates: Iterable[Template]) -> None:
        """Each whole template: as it is and, where it stops at an error, once more with nodes that go on."""
        every = list(templates)
        for done, template in enumerate(every, start=1):
            try:
                workflow = runnable(template, self.far_side, self.ours.types)
            except NotRunnable as reason:
                self.report.count("not comparable", str(reason))
            else:
                self._compare_whole(template, workflow)
            self.report.progress(done, len(every))

    def _compare_whole(self, template: Template, workflow: Json) -> None:
        found, ended = self._whole_verdict(workflow)
        if found == "equal" and ended == "error":
            workflow = going_on(workflow)
            found, _ = self._whole_verdict(workflow)
        if isinstance(found, Difference):
            node: Json = next((each for each in workflow["nodes"] if each["name"] == found.node), {})
            self._judge(found, node, f"template {template.id}, {found.node}")
        else:
            self.report.count(found)

    def _whole_verdict(self, workflow: Json) -> tuple[str | Difference, str]:
        """The verdict or the difference, and how the run ended here."""
        ours = self.ours.run(workflow, TEMPLATE_SECONDS)
        if ours["status"] == "stopped" or len(ours["order"]) > MAX_RUNS:
            return "endless", ours["status"]
        theirs = self.reference.run(workflow)
        if theirs is None or theirs["status"] == "stopped":
            return "not asked", ours["status"]
        if theirs["status"] == "refused":
            return "not comparable", ours["status"]
        mask = Mask()
        difference = first_difference(theirs, ours, mask)
        if difference is None:
            return "equal", ours["status"]
        again = self.reference.run(workflow, turn=2)
        changes = [first_difference(ours, self.ours.run(workflow, TEMPLATE_SECONDS), mask)]
        changes += [first_difference(theirs, again, mask)] if again else []
        if any(each is not None and each.node == difference.node for each in changes):
            return "not comparable", ours["status"]
        return difference, ours["status"]

    def compare_bundles(self, bundles: Iterable[Bundle], data: str) -> None:
        """Each expression or node of the bundles, which run as one workflow each."""
        every = list(bundles)
        number = sum(len(each.tried) for each in every)
        for made in every:
            self._compare_bundle(made, data)
            self.report.progress(self.report.counted.total(), number)

    def _compare_bundle(self, made: Bundle, data: str) -> None:
        workflow = workflow_of(made, data)
        ours = self.ours.run(workflow, BUNDLE_SECONDS)
        refused = REFUSED_NODE.findall((ours["error"] or {}).get("message") or "")
        ends_here = ours["status"] == "stopped" or len(made.tried) > len(refused) > 0
        theirs = None if ends_here else self.reference.run(workflow)
        if not (ends_here or theirs):
            self._count_all(made.tried, "not asked")
        elif len(made.tried) > 1 and not (theirs and _ran_alike(theirs, ours)):
            for part in _parts(made, set(refused) if ends_here or theirs is None else {theirs["last"]}):
                self._compare_bundle(part, data)
        elif theirs is None or theirs["status"] == "stopped":
            self._count_all(made.tried, "endless" if theirs is None else "not asked")
        else:
            self._compare_tried(made.tried, workflow, theirs, ours)

    def _count_all(self, tried: list[Tried], verdict: str) -> None:
        for _ in tried:
            self.report.count(verdict)

    def _compare_tried(self, tried: list[Tried], workflow: Json, theirs: Json, ours: Json) -> None:
        mask = Mask()
        differing: list[tuple[int, Difference]] = []
        for place in range(len(tried)):
            name = str(place)
            found = runs_difference(name, theirs, ours, mask)
            if found is None and name not in theirs["nodes"]:
                self._compare_unrun(tried[place], theirs, ours, mask)
            elif found is None:
                self.report.count("equal")
            else:
                differing.append((place, found))
        if not differing:
            return
        again = self.reference.run(workflow, turn=2) or theirs
        ours_again = self.ours.run(workflow, BUNDLE_SECONDS)
        for place, difference in differing:
            name, each = str(place), tried[place]
            pairs = ((theirs, again), (ours, ours_again))
            if any(runs_difference(name, one, two, mask) for one, two in pairs):
                self.report.count("not comparable", "differs from run to run")
            else:
                self._judge(difference, each.node, _source(each), each.expression)

    def _compare_unrun(self, tried: Tried, theirs: Json, ours: Json, mask: Mask) -> None:
        difference = first_difference(theirs, ours, mask)
        if difference is None or theirs["status"] == "refused":
            self.report.count("not comparable", "both refuse to start")
        else:
            self._judge(difference, tried.node, _source(tried), tried.expression)

    def _judge(self, difference: Difference, node: Json, source: str, expression: str | None = None) -> None:
        for pattern, why in UNCOMPARABLE:
            if pattern.search(difference.detail):
                self.report.count("not comparable", why)
                return
        if parameters(node).get("duplicateItem"):
            self.report.count("not comparable", "the reference duplicates items only in test runs")
            return
        read = json.dumps(expression or parameters(node), ensure_ascii=False)
        if RANDOM.search(read):  # a few runs may choose the same
            self.report.count("not comparable", "differs from run to run")
            return
        reason = reason_for(difference, kind(node), read)
        if reason:
            self.report.count("settled", reason)
        else:
            self.report.differ("expression" if expression else kind(node), difference, source)


def _ran_alike(theirs: Json, ours: Json) -> bool:
    """Whether both ran a bundle to its end, or both refused all of it."""
    if theirs["nodes"] or ours["nodes"]:
        return bool(theirs["status"] == ours["status"] == "success")
    return bool(theirs["error"] == ours["error"])


def _parts(made: Bundle, ending: set[str]) -> list[Bundle]:
    """What to run in the place of a bundle that does not run to its end: what ends it by itself, and the others."""
    parts = [
        [each for place, each in enumerate(made.tried) if (str(place) in ending) == ends] for ends in (True, False)
    ]
    if not all(parts):
        middle = len(made.tried) // 2
        parts = [made.tried[:middle], made.tried[middle:]]
    return [
        Bundle(made.timezone, part, {name: each.template for each in part for name in each.names}) for part in parts
    ]


def _source(tried: Tried) -> str:
    where = f"template {tried.template}, {tried.node['name']}"
    return f"{where}, {json.dumps(tried.expression[:300], ensure_ascii=False)}" if tried.expression else where
