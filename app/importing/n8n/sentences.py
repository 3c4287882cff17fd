"""The remarks about an import, in the order in which they came up: each once, and a bounded number."""

from collections import Counter

MOST = 10_000
MORE = "There is more of this kind that is not told."


class Sentences(list[str]):
    """A list that `add` looks nothing up in: it is quick, however long the list is."""

    def __init__(self) -> None:
        super().__init__()
        self._said: set[str] = set()
        self._some: Counter[str] = Counter()

    def add(self, sentence: str) -> None:
        """Say it, unless that was done; of a source without an end, the first ones."""
        if sentence in self._said or len(self) > MOST:
            return
        sentence = sentence if len(self) < MOST else MORE
        self._said.add(sentence)
        self.append(sentence)

    def add_some(self, sentence: str, rest: str, most: int) -> None:
        """Say it, or `rest` where that stands for more than `most` sentences."""
        if sentence not in self._said:
            self._some[rest] += 1
            self.add(sentence if self._some[rest] <= most else rest)
