"""A plain text table."""


class Table:
    """Rows under a heading; the first column is text, the others are figures."""

    def __init__(self, *heading: str) -> None:
        self._rows: list[tuple[str, ...]] = [heading]

    def add(self, *cells: str) -> None:
        self._rows.append(cells)

    def print(self) -> None:
        widths = [max(map(len, column)) for column in zip(*self._rows, strict=True)]
        print()
        for index, row in enumerate(self._rows):
            cells = [row[0].ljust(widths[0])]
            cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
            print("  ".join(cells))
            if index == 0:
                print("  ".join("-" * width for width in widths))
