"""A table of a report: its cells, and how they are written."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

Cell = str | int | float | None

MISSING = "-"
# Columns of what was measured here; the others are the paper's or name the row.
OURS = "ours"


@dataclass(frozen=True)
class ReportTable:
    """A table as a report shows it.

    Args:
        name: Of its file: `table_1`.
        title: What it shows.
        note: What its numbers say, in sentences; empty where there is nothing to say.
        columns: Headings, each once.
        rows: A cell for each column; None where there is no number.
    """

    name: str
    title: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def cell_text(value: Cell) -> str:
    """A cell for the eye: no digit less than the paper prints, a dash for none."""
    if value is None:
        return MISSING
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1 else f"{value:.4g}"
    return str(value)


def write_csv(table: ReportTable, path: Path) -> None:
    """Writes headings and rows whole or not at all; an empty cell where there is no number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.part")
    with scratch.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.columns)
        writer.writerows([_exact(cell) for cell in row] for row in table.rows)
    scratch.replace(path)


def write_markdown(table: ReportTable, path: Path) -> None:
    """Writes title, table and note, whole or not at all."""
    scratch = path.with_name(f".{path.name}.part")
    parts = (f"**{table.title}**\n", as_markdown(table), table.note)
    scratch.write_text("\n".join(filter(None, parts)).rstrip() + "\n", encoding="utf-8")
    scratch.replace(path)


def as_markdown(table: ReportTable) -> str:
    """The table in Markdown, numbers to the right, without title and note."""
    lines = [_line(table.columns), _line(_rule(table, k) for k in range(len(table.columns)))]
    lines += [_line(cell_text(cell) for cell in row) for row in table.rows]
    return "\n".join(lines) + "\n"


def only_ours(table: ReportTable) -> ReportTable:
    """Without the rows in which the paper alone has numbers; a table of ours alone as it is."""
    ours = [k for k, column in enumerate(table.columns) if column.split()[-1] == OURS]
    if not ours:
        return table
    rows = tuple(row for row in table.rows if any(row[k] is not None for k in ours))
    return replace(table, rows=rows)


def _exact(cell: Cell) -> Cell:
    """Six significant digits: more than any of these numbers can carry."""
    return f"{cell:.6g}" if isinstance(cell, float) else cell


def _rule(table: ReportTable, column: int) -> str:
    is_text = any(isinstance(row[column], str) for row in table.rows)
    return "---" if is_text else "---:"


def _line(cells: Iterable[str]) -> str:
    escaped = (cell.replace("|", r"\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"
