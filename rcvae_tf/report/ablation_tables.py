"""Tables 2, S1 and S2: what each detached part costs, ours beside the paper's."""

import csv
from pathlib import Path
from typing import Any

from data_prep.errors import SettingsError
from rcvae_tf.report.labels import ERRORS, SIGNAL_LABELS, SYMBOLS, TOTAL
from rcvae_tf.report.paper_numbers import TABLE_2_CYCLES, paper_rows
from rcvae_tf.report.paper_tables import difference, times
from rcvae_tf.report.report_table import OURS, Cell, ReportTable

Rows = list[dict[str, Any]]
ByKey = dict[tuple[int, str], dict[str, Any]]

WHOLE, EMBEDDING = "None", "Embedding"
# Of the error of the mean of all curves, above which a model has hardly learned the condition.
PLATEAU = 0.9
LAYERS = ("Decoder_", "Encoder_")
OTHER_ROWS = {
    EMBEDDING: "no embedding",
    "latent": "z = 0 for the latent",
    "labels": "shuffled labels",
}


def read_ablation(path: Path) -> Rows:
    """The rows of an `ablation.csv`: `early_cycles`, `detach` and errors, None where empty.

    Raises:
        SettingsError: The file is missing, or has other columns or cells than an ablation's.
    """
    way_out = "Make it with `python -m rcvae_tf.ablate`."
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SettingsError(f"{path}: is missing. {way_out}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not readable ({error}). {way_out}") from error
    reader = csv.DictReader(text.splitlines())
    expected = ("early_cycles", "detach", *_error_columns())
    if tuple(reader.fieldnames or ()) != expected:
        raise SettingsError(
            f"{path}: expected the columns {', '.join(expected)}. "
            f"Received: {', '.join(reader.fieldnames or ('none',))}. {way_out}"
        )
    return [_row(cells, path, reader.line_num) for cells in reader]


def signals_of(ablation: Rows) -> tuple[str, ...]:
    """The signals of which there is a number."""
    return tuple(s for s in SYMBOLS if any(r[column("mae", s)] is not None for r in ablation))


def column(error: str, signal: str) -> str:
    """Name of a column of an `ablation.csv`; `signal` may be `total`."""
    return error if signal == TOTAL else f"{error}_{signal}"


def row_names(ablation: Rows) -> list[str]:
    """Names of the rows: the paper's in its order, then those beyond it."""
    return list(dict.fromkeys(row["detach"] for row in [*paper_rows("table2"), *ablation]))


def table_2(ablation: Rows, generated: Rows) -> ReportTable:
    """Table 2: total, voltage and current at the largest number of early cycles at hand.

    The paper's rows, of 100 cycles, stand there in any case.

    Args:
        ablation: Rows of `ablation.csv`, of any numbers of cycles.
        generated: Rows of `ablation_generated.csv`, likewise.
    """
    cycles = max((row["early_cycles"] for row in ablation), default=TABLE_2_CYCLES)
    other = "" if cycles == TABLE_2_CYCLES else f"; the paper's is of n = {TABLE_2_CYCLES}"
    return _table(
        "table_2",
        f"Table 2: ablation at n = {cycles} early cycles{other}",
        (TOTAL, "voltage_v", "current_c_rate"),
        list(dict.fromkeys((cycles, TABLE_2_CYCLES))),
        ablation,
        generated,
    )


def table_s1(ablation: Rows, generated: Rows) -> ReportTable:
    """Table S1: voltage and current by number of early cycles; arguments as of `table_2`."""
    return _table(
        "table_s1",
        "Table S1: ablation, voltage and current, by number of early cycles n",
        ("voltage_v", "current_c_rate"),
        _all_cycles(ablation),
        ablation,
        generated,
    )


def table_s2(ablation: Rows, generated: Rows) -> ReportTable:
    """Table S2: temperature and charge capacity; arguments as of `table_2`."""
    return _table(
        "table_s2",
        "Table S2: ablation, temperature and charge capacity, by number of early cycles n",
        ("temperature_degc", "charge_capacity_ah"),
        _all_cycles(ablation),
        ablation,
        generated,
    )


def plateau_text(ablation: Rows, global_means: dict[int, float]) -> str:
    """Says of which numbers of cycles even the whole model has learned next to nothing.

    Args:
        ablation: Rows of `ablation.csv`, of any numbers of cycles.
        global_means: Total MAE of the mean of all training curves, by number of cycles.
    """
    sentences = []
    for (cycles, detach), row in sorted(_by_key(ablation).items()):
        whole, mean = row[column("mae", TOTAL)], global_means.get(cycles)
        if detach == WHOLE and whole is not None and mean and whole > PLATEAU * mean:
            sentences.append(
                f"The rows of n = {cycles} were trained too briefly to leave the plateau of the "
                f"global mean (total MAE {whole:.3g} against {mean:.3g}): they say nothing of the "
                "parts."
            )
    return " ".join(sentences)


def _table(
    name: str,
    title: str,
    signals: tuple[str, ...],
    all_cycles: list[int],
    ablation: Rows,
    generated: Rows,
) -> ReportTable:
    """All rows of the paper, run or not, and those beyond it that were run."""
    ours, means, paper = _by_key(ablation), _by_key(generated), _paper_by_key()
    printed = {row["detach"] for row in paper_rows("table2")}
    keys = [
        (cycles, detach)
        for cycles in all_cycles
        for detach in row_names(ablation)
        if detach in printed or (cycles, detach) in ours
    ]
    none: dict[str, Any] = {}
    rows = [
        (*key, *_cells(signals, ours.get(key, none), paper.get(key, none), means.get(key, none)))
        for key in keys
    ]
    return ReportTable(
        name=name,
        title=title,
        note=_note(signals, ours, paper),
        columns=("n", "detach", *_headings(signals)),
        rows=tuple(rows),
    )


def _headings(signals: tuple[str, ...]) -> list[str]:
    return [
        f"{error.upper()} {SIGNAL_LABELS[signal]} {what}"
        for signal in signals
        for error in ERRORS
        for what in (OURS, "paper", "difference", *(["z = 0"] if error == "mae" else []))
    ]


def _cells(
    signals: tuple[str, ...],
    ours: dict[str, Any],
    paper: dict[str, Any],
    generated: dict[str, Any],
) -> list[Cell]:
    """Of one row, in the order of the headings."""
    cells: list[Cell] = []
    for signal in signals:
        for error in ERRORS:
            name = column(error, signal)
            measured, printed = ours.get(name), paper.get(name)
            cells += [measured, printed, difference(measured, printed)]
            cells += [generated.get(name)] if error == "mae" else []
    return cells


def _all_cycles(ablation: Rows) -> list[int]:
    return sorted({row["early_cycles"] for row in [*ablation, *paper_rows("table_s1")]})


def _by_key(ablation: Rows) -> ByKey:
    return {(row["early_cycles"], row["detach"]): row for row in ablation}


def _paper_by_key() -> ByKey:
    """Every error of a row that any table of the paper prints."""
    rows: ByKey = {}
    for row in paper_rows("table1"):
        if row["signal"] == TOTAL:
            rows[(row["early_cycles"], WHOLE)] = {error: row[error] for error in ERRORS}
    for table in ("table_s1", "table_s2", "table2"):
        for row in paper_rows(table):
            key = (row.get("early_cycles", TABLE_2_CYCLES), row["detach"])
            rows.setdefault(key, {}).update(row)
    return rows


def _note(signals: tuple[str, ...], ours: ByKey, paper: ByKey) -> str:
    """What the rows cost at the largest number of cycles at hand, in words."""
    if not ours:
        return ""
    cycles = max(cycles for cycles, _ in ours)
    sentences = []
    for signal in signals:
        name = column("mae", signal)
        measured = _costs({d: row.get(name) for (n, d), row in ours.items() if n == cycles})
        printed = _costs({d: row.get(name) for (n, d), row in paper.items() if n == cycles})
        if measured:
            beside = f" (the paper: {printed})" if printed else ""
            sentences.append(f"{SIGNAL_LABELS[signal]}: {measured}{beside}.")
    if not sentences:
        return ""
    return f"MAE at n = {cycles} in multiples of that of the row None. {' '.join(sentences)}"


def _costs(maes: dict[str, float | None]) -> str:
    """Multiples of the whole model's error: layers from least to most, then each other row."""
    multiples = {
        detach: multiple
        for detach, mae in maes.items()
        if (multiple := times(mae, maes.get(WHOLE))) is not None
    }
    layers = [value for detach, value in multiples.items() if detach.startswith(LAYERS)]
    parts = []
    if layers:
        rows = "row" if len(layers) == 1 else "rows"
        parts.append(f"a layer less {min(layers):.2f} to {max(layers):.2f} ({len(layers)} {rows})")
    parts += [f"{what} {multiples[d]:.2f}" for d, what in OTHER_ROWS.items() if d in multiples]
    return ", ".join(parts)


def _error_columns() -> list[str]:
    return [column(error, signal) for signal in (TOTAL, *SYMBOLS) for error in ERRORS]


def _row(cells: dict[str, str], path: Path, line: int) -> dict[str, Any]:
    try:
        errors = {name: _number(cells[name]) for name in _error_columns()}
        return {"early_cycles": int(cells["early_cycles"]), "detach": cells["detach"], **errors}
    except (TypeError, ValueError) as error:
        raise SettingsError(
            f"{path}, line {line}: not the row of an ablation ({error}). Make the file anew with "
            "`python -m rcvae_tf.ablate`."
        ) from error


def _number(cell: str) -> float | None:
    return None if cell == "" else float(cell)
