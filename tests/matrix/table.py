"""Results by case and program."""

WIDEST = 34


class Table:
    """A row per case, a column per program."""

    def __init__(self, rows, columns):
        self.rows = rows
        self.columns = columns
        self.cells = {}

    @property
    def count(self):
        return len(self.cells)

    def set(self, row, column, result):
        self.cells[row, column] = result

    def get(self, row, column):
        return self.cells[row, column]

    def results(self):
        """As lists and objects, for JSON."""
        return [
            {"case": row, "program": column, "result": self.get(row, column)}
            for row in self.rows
            for column in self.columns
        ]

    def text(self):
        """As text in columns; results that are too long are cut."""
        lines = [["", *self.columns]]
        for row in self.rows:
            lines.append([row, *(shortened(self.get(row, column)) for column in self.columns)])
        widths = [max(len(line[index]) for line in lines) for index in range(len(lines[0]))]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines
        )


def shortened(text):
    first = text.strip().splitlines()[-1] if text.strip() else ""
    return first if len(first) <= WIDEST else first[: WIDEST - 1] + "…"
