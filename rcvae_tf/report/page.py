"""The page: every table and figure in one file that needs nothing beside it."""

import base64
import shutil
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from rcvae_tf.report.figures import save_figure
from rcvae_tf.report.page_cells import PageTable, page_table
from rcvae_tf.report.page_figures import PlannedFigure
from rcvae_tf.report.page_sections import Section, sections_of
from rcvae_tf.report.page_sources import Sources, gather
from rcvae_tf.report.page_summary import summary
from rcvae_tf.report.report_table import only_ours, write_csv, write_markdown

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from jinja2 import Template

SHARED = "rcvae_tf.report"
PAGE, TABLES, FIGURES = "index.html", "tables", "figures"


@dataclass(frozen=True)
class ShownFigure:
    """A figure that is drawn, its picture a data URI."""

    planned: PlannedFigure
    uri: str


@dataclass(frozen=True)
class ShownSection:
    """A section as the template writes it."""

    section: Section
    tables: list[PageTable]
    figures: list[ShownFigure]


def write_page(sources: Sources, output: Path) -> list[str]:
    """Writes the page, its tables as CSV and its figures as PNG.

    Args:
        sources: What the commands left.
        output: Folder of `index.html`, `tables/` and `figures/`.

    Returns:
        What was looked for and is not there, with its whole path.

    Raises:
        SettingsError: A file is damaged.
        DatasetError: A card is damaged.
    """
    material = gather(sources)
    sections = sections_of(material)
    for table in (table for section in sections for table in section.tables):
        write_csv(table, output / TABLES / f"{table.name}.csv")
        write_markdown(only_ours(table), output / TABLES / f"{table.name}.md")
    html = page_template(SHARED).render(
        summary=summary(material),
        missing=[absent.short for absent in material.missing],
        sections=[_shown(section, output / FIGURES) for section in sections],
    )
    scratch = output / f".{PAGE}.part"
    scratch.write_text(html, encoding="utf-8")
    scratch.replace(output / PAGE)
    return [str(absent) for absent in material.missing]


def _shown(section: Section, folder: Path) -> ShownSection:
    tables = [page_table(table) for table in section.tables if table.rows]
    facts = [page_table(table, fixed=False) for table in section.facts if table.rows]
    figures = [ShownFigure(planned, _drawn(planned, folder)) for planned in section.figures]
    return ShownSection(section, [*tables, *facts], figures)


def _drawn(planned: PlannedFigure, folder: Path) -> str:
    """Leaves a figure as a file, and gives it as a data URI."""
    path = folder / f"{planned.name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(planned.draw, Path):
        shutil.copyfile(planned.draw, path)
    else:
        save_figure(planned.draw(), path)
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


def page_template(package: str) -> "Template":
    """`page.html` of a package; what several pages share lies with this one.

    Args:
        package: Whose `templates/` holds it.
    """
    from jinja2 import ChoiceLoader, Environment, FunctionLoader, StrictUndefined

    folders = [files(name) / "templates" for name in (package, SHARED)]

    def text_in(folder: "Traversable", name: str) -> str | None:
        file = folder / name
        return file.read_text(encoding="utf-8") if file.is_file() else None

    environment = Environment(
        loader=ChoiceLoader([FunctionLoader(partial(text_in, folder)) for folder in folders]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html")
