"""`make check-templates`: real templates on this program and, when REFERENCE names a real n8n, on that too.

ARGS= chooses: `--what templates|nodes|odd-parameters|expressions`, `--data plausible|odd|empty`, `--skip N`,
`--limit N`, `--seed N`. Several at once, each with `--part 1/3` and so on and a port of its own, are quicker; the
answers that they keep are all read.
"""

import argparse
import signal
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tests.templates import database
from tests.templates.bundles import EXPRESSIONS_EACH, NODES_EACH, bundle, expressions_of, nodes_of
from tests.templates.comparing import Comparison, sample
from tests.templates.data import KINDS
from tests.templates.far_side import PORT, FarSide
from tests.templates.odd_parameters import odd_nodes_of
from tests.templates.ours import Ours
from tests.templates.reference import Answers, Reference, ReferenceRefused
from tests.templates.report import Report

T = TypeVar("T")
WHAT = ("templates", "nodes", "odd-parameters", "expressions")


@dataclass(frozen=True)
class Part:
    """Every so manieth thing, for processes that share the work."""

    number: int = 1
    of: int = 1

    @classmethod
    def parse(cls, text: str) -> "Part":
        """From `2/3`. Raises ValueError."""
        part = cls(*(int(each) for each in text.split("/")))
        if not 1 <= part.number <= part.of:
            raise ValueError(text)
        return part

    def of_all(self, every: Iterable[T]) -> list[T]:
        return list(every)[self.number - 1 :: self.of]


def options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.templates", description=__doc__)
    parser.add_argument("--what", choices=WHAT, default="templates")
    parser.add_argument("--data", choices=KINDS, default="plausible", help="of nodes and expressions")
    parser.add_argument("--skip", type=int, default=0, metavar="N", help="leave out the first N")
    parser.add_argument("--limit", type=int, help="compare so many, chosen by the seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, action="append", metavar="ID", help="this template")
    parser.add_argument("--part", type=Part.parse, default=Part(), metavar="N/OF", help="each OF-th one, from the N-th")
    parser.add_argument("--port", type=int, default=PORT, help="of the server that HTTP Request asks")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> None:
    chosen = options(arguments)
    folder = database.cache_folder()
    templates = list(database.read(database.fetch(folder)))
    if chosen.only:
        templates = [each for each in templates if each.id in chosen.only]
    part: Part = chosen.part
    answers = Answers(folder, f"answers-{chosen.what}-{chosen.data}", part.number, chosen.port)
    reference = Reference.from_environment(answers)
    report = Report(chosen.what if chosen.what == "templates" else f"{chosen.what}, {chosen.data} data")
    ours = Ours(chosen.port)
    try:
        with FarSide(port=chosen.port).serving() as far_side:
            comparison = Comparison(ours, reference, report, far_side)
            if chosen.what == "templates":
                comparison.compare_templates(part.of_all(sample(templates[chosen.skip :], chosen.limit, chosen.seed)))
            else:
                if chosen.what == "odd-parameters":
                    tried, size = odd_nodes_of(templates, far_side, chosen.seed), NODES_EACH
                elif chosen.what == "nodes":
                    tried, size = nodes_of(templates), NODES_EACH
                else:
                    tried, size = expressions_of(templates), EXPRESSIONS_EACH
                each = sample(list(tried)[chosen.skip :], chosen.limit, chosen.seed)
                comparison.compare_bundles(part.of_all(bundle(each, size)), chosen.data)
    finally:
        ours.close()
        print(report, flush=True)


if __name__ == "__main__":
    # Who ends it early sees what was found so far.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main(sys.argv[1:])
    except (database.DatabaseMissing, ReferenceRefused) as reason:
        sys.exit(str(reason))
    except KeyboardInterrupt:
        sys.exit("stopped early")
