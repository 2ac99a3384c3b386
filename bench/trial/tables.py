"""Figures as a table: aligned for a terminal, or in Markdown ready for a document."""

from collections.abc import Sequence
from itertools import zip_longest


def table(heads: Sequence[str], rows: Sequence[Sequence[object]], *, markdown: bool = False) -> str:
    """The whole table, its last line without an end."""
    written = [[str(cell) for cell in row] for row in rows]
    if markdown:
        lines = ["| " + " | ".join(cells) + " |" for cells in (list(heads), ["---"] * len(heads), *written)]
        return "\n".join(lines)
    lines_of_cells = [list(heads), *written]
    widths = [max(map(len, column)) for column in zip_longest(*lines_of_cells, fillvalue="")]
    lines = (zip(cells, widths, strict=False) for cells in lines_of_cells)
    return "\n".join("  ".join(cell.ljust(width) for cell, width in line).rstrip() for line in lines)
