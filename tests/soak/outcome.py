"""What comes of a soak, or of a phase of it."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Outcome:
    """Figures by their names, a sentence for each thing that is wrong, and one for each that was left out.

    `misses`: what took too long, where the time counts.
    """

    figures: dict[str, int]
    violations: list[str]
    skipped: list[str]
    misses: list[str] = field(default_factory=list)

    def print(self) -> None:
        widest = max(map(len, self.figures))
        for name, value in self.figures.items():
            print(f"{name.ljust(widest)}  {value:>9,}")
        for sentence in self.skipped:
            print(f"skipped: {sentence}")
        for sentence in self.misses:
            print(f"TOO LATE: {sentence}")
        for sentence in self.violations:
            print(f"VIOLATION: {sentence}")
