"""The page of an assessment: one file that needs nothing beside it."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rcvae_tf.assessment.sections import Section, sections_of
from rcvae_tf.assessment.summary import verdicts
from rcvae_tf.report.figures import DOTS_PER_INCH
from rcvae_tf.report.page import page_template
from rcvae_tf.report.page_cells import PageTable, page_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE = "Are the generated charges useful, true, and no copies?"


@dataclass(frozen=True)
class ShownSection:
    """A section as the template writes it."""

    section: Section
    tables: list[PageTable]
    uri: str


def write_page(scores: dict[str, Any], path: Path) -> None:
    """Writes the page, whole or not at all.

    Args:
        scores: As `assess.json` holds them.
        path: Of the page.
    """
    html = page_template("rcvae_tf.assessment").render(
        title=TITLE,
        facts=scores["facts"],
        verdicts=verdicts(scores),
        sections=[_shown(section) for section in sections_of(scores)],
    )
    scratch = path.with_name(f".{path.name}.part")
    scratch.write_text(html, encoding="utf-8")
    scratch.replace(path)


def _shown(section: Section) -> ShownSection:
    tables = [page_table(table, fixed=False) for table in section.tables]
    return ShownSection(section, tables, _uri(section.figure) if section.figure else "")


def _uri(figure: "Figure") -> str:
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=DOTS_PER_INCH)
    return f"data:image/png;base64,{base64.b64encode(picture.getvalue()).decode('ascii')}"
