"""What a preparation refuses once it has looked at the cells; each in one line with the way out."""

from collections.abc import Sequence

from data_prep.cleaning.report import CleaningReport
from data_prep.errors import SettingsError, SourceError
from data_prep.records import DroppedCell
from data_prep.sources.base import UNREADABLE, CellPlace

NAMED = 3  # in a line; of the others the number is given


def refuse_twins(places: Sequence[CellPlace | DroppedCell]) -> None:
    """Cells need names of their own.

    Raises:
        SourceError: Two of them have one name.
    """
    first_file: dict[str, str] = {}
    for place in places:
        if not isinstance(place, CellPlace):
            continue
        if place.cell_id in first_file:
            raise SourceError(
                f"{place.path}: cell {place.cell_id} is also in {first_file[place.cell_id]}. "
                f"Give one of the files another name, or take it out."
            )
        first_file[place.cell_id] = place.path.name


def refuse_bad_files(report: CleaningReport) -> None:
    """Without the user's word, a data set is made of all files or not at all.

    Raises:
        SourceError: Some cannot be read; all of them are named or counted.
    """
    bad = [cell for cell in report.dropped_cells if cell.reason == UNREADABLE]
    if not bad:
        return
    line = bad[0].detail
    if len(bad) == report.cells_read == 1:
        raise SourceError(line)
    others = [cell.source_file for cell in bad[1:]]
    if others:
        line += f" Also: {_listed(others, ', ')}."
    raise SourceError(
        f"{line} {len(bad)} of {report.cells_read} cells cannot be used; add --skip-bad-files to "
        f"go on without."
    )


def refuse_unknown_names(exclude: Sequence[str], report: CleaningReport) -> None:
    """A name that is mistyped would leave nothing out.

    Raises:
        SettingsError: `--exclude` names a cell that is not there.
    """
    known = {*report.kept_cycles, *(cell.cell_id for cell in report.dropped_cells)}
    unknown = [name for name in exclude if name not in known]
    if unknown:
        raise SettingsError(
            f"--exclude {unknown[0]}: no such cell. Cells: {', '.join(sorted(known)) or 'none'}."
        )


def refuse_nothing(num_samples: int, report: CleaningReport) -> None:
    """A data set needs charges.

    Raises:
        SourceError: None is left; says why of the first cells.
    """
    if num_samples:
        return
    dropped = report.dropped_cells
    why = _listed([f"{cell.cell_id}: {cell.detail}" for cell in dropped], "; ")
    way_out = "Look at the files and at --source."
    if any(cell.reason.startswith("eol_") for cell in dropped):
        way_out = "To take the last cycle on record for the end of life, add --eol-fallback last."
    raise SourceError(f"no charge is left of {report.cells_read} cells ({why}). {way_out}")


def _listed(parts: Sequence[str], separator: str) -> str:
    more = [f"and {len(parts) - NAMED} more"] if len(parts) > NAMED else []
    return separator.join([*parts[:NAMED], *more])
