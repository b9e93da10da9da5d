"""A table as the page shows it: fixed decimals, signs, headings in two rows."""

from dataclasses import dataclass

from rcvae_tf.report.report_table import MISSING, OURS, Cell, ReportTable, cell_text

# What ends a heading below a shared one: "MAE V (V) ours".
SUB_HEADINGS = (OURS, "paper", "difference", "z = 0")
DECIMALS, RATIO_DECIMALS = 4, 2


@dataclass(frozen=True)
class PageCell:
    """A cell: its text, and the class that says how it looks."""

    text: str
    look: str = ""


@dataclass(frozen=True)
class Heading:
    """A heading over some columns."""

    text: str
    span: int = 1
    look: str = ""


@dataclass(frozen=True)
class PageTable:
    """What the template writes.

    Args:
        name: Anchor on the page.
        title: Caption.
        note: Sentences below the caption.
        groups: Headings over headings; empty where there are none.
        headings: One for each column.
        rows: Cells, and the class of the row.
        keyed: The second column names the row: it stays in sight.
    """

    name: str
    title: str
    note: str
    groups: tuple[Heading, ...]
    headings: tuple[Heading, ...]
    rows: tuple[tuple[str, tuple[PageCell, ...]], ...]
    keyed: bool


def page_table(table: ReportTable, fixed: bool = True) -> PageTable:
    """Lays a table out.

    Args:
        table: Of a report.
        fixed: Numbers with fixed decimals, as errors have them; else with significant digits.
    """
    split = [_split(column) for column in table.columns]
    looks = [_is_text(table, k) for k in range(len(table.columns))]
    ours = [k for k, (_, last) in enumerate(split) if last == OURS]
    rows = []
    for row in table.rows:
        absent = bool(ours) and all(row[k] is None for k in ours)
        cells = tuple(
            _cell(value, column, fixed) for value, column in zip(row, table.columns, strict=True)
        )
        rows.append(("absent" if absent else "", cells))
    return PageTable(
        name=table.name,
        title=table.title,
        note=table.note,
        groups=_groups([group for group, _ in split]),
        headings=tuple(
            Heading(last, look="text" if is_text else "")
            for (_, last), is_text in zip(split, looks, strict=True)
        ),
        rows=tuple(rows),
        keyed=len(looks) > 2 and looks[1],
    )


def _split(column: str) -> tuple[str, str]:
    """`("MAE V (V)", "ours")`; a heading of its own has no first part."""
    for last in SUB_HEADINGS:
        if column.endswith(f" {last}"):
            return column.removesuffix(f" {last}"), last
    return "", column


def _groups(names: list[str]) -> tuple[Heading, ...]:
    if not any(names):
        return ()
    groups: list[Heading] = []
    for name in names:
        if groups and groups[-1].text == name:
            groups[-1] = Heading(name, groups[-1].span + 1)
        else:
            groups.append(Heading(name))
    return tuple(groups)


def _is_text(table: ReportTable, column: int) -> bool:
    return any(isinstance(row[column], str) for row in table.rows)


def _cell(value: Cell, column: str, fixed: bool) -> PageCell:
    if value is None:
        return PageCell(MISSING, "none")
    if isinstance(value, str):
        return PageCell(value, "text")
    if not fixed or isinstance(value, int):
        return PageCell(cell_text(value))
    if column.endswith("difference"):
        return _difference(value)
    decimals = RATIO_DECIMALS if " / " in column else DECIMALS
    return PageCell(f"{value:.{decimals}f}")


def _difference(value: float) -> PageCell:
    """Signed; an error below the paper's is better."""
    text = f"{value:+.{DECIMALS}f}"
    if float(text) == 0.0:
        return PageCell(f"{0:.{DECIMALS}f}")
    return PageCell(text.replace("-", "\N{MINUS SIGN}"), "better" if value < 0 else "worse")
