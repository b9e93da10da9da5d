"""The columns of Battery Data Format: preferred labels and machine names, with their units."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from data_prep.errors import SourceError
from data_prep.sources.base import NO_TEMPERATURE
from data_prep.sources.cycler.tables import listed
from data_prep.sources.cycler.units import UNITS, Column

REQUIRED = ("time_s", "voltage_v", "current_a")


class Term(NamedTuple):
    """A quantity: the label without its unit, and the kind of its unit."""

    stem: str
    kind: str


# The charge and discharge capacity of the cycle; `Charging Capacity / Ah` is that of the test, of
# which versions of the format say different things.
TERMS = {
    "time_s": Term("Test Time", "time_s"),
    "voltage_v": Term("Voltage", "voltage_v"),
    "current_a": Term("Current", "current_a"),
    "cycle": Term("Cycle Count", "cycle"),
    "charge_capacity_ah": Term("Cycle Charging Capacity", "capacity_ah"),
    "discharge_capacity_ah": Term("Cycle Discharging Capacity", "capacity_ah"),
}
UNIX_TIME = Term("Unix Time", "time_s")


class Temperature(NamedTuple):
    """A temperature column and its short name: "T2", "surface", "ambient"."""

    column: Column
    short_name: str


def is_bdf_header(names: Sequence[str]) -> bool:
    """Whether a header has the columns that the format requires, under its names."""
    has_time = any(find_column(names, term) for term in (TERMS["time_s"], UNIX_TIME))
    return has_time and all(find_column(names, TERMS[name]) for name in REQUIRED[1:])


def find_columns(
    path: Path, names: Sequence[str], temperature: str | None
) -> tuple[dict[str, Column], tuple[str, ...]]:
    """The columns that a header has, by our names, and what was decided.

    Args:
        path: For messages.
        names: The header.
        temperature: The temperature that the user asks for, or None.

    Raises:
        SourceError: A column that the format requires is missing, or the temperature asked for.
    """
    columns = {name: find_column(names, term) for name, term in TERMS.items()}
    notes: tuple[str, ...] = ()
    if columns["time_s"] is None:
        columns["time_s"] = find_column(names, UNIX_TIME)
        notes = (f"time: {UNIX_TIME.stem}, as there is no {TERMS['time_s'].stem}",)
    for name in REQUIRED:
        if columns[name] is None:
            raise SourceError(
                f"{path}: expected the column {_expected(TERMS[name])}, found {listed(names)}. "
                f"Rename the column as the format has it."
            )
    columns["temperature_degc"], more = _choose_temperature(path, names, temperature)
    return {name: column for name, column in columns.items() if column}, notes + more


def find_column(names: Sequence[str], term: Term) -> Column | None:
    """The column of a term: preferred label before machine name, our unit before the others."""
    spelled = {_spelling(name): name for name in reversed(names)}
    for sign, unit in UNITS[term.kind].items():
        label, machine_name = f"{term.stem} / {sign}", _machine_name(term.stem, unit.word)
        for expected in (label, machine_name):
            if _spelling(expected) in spelled:
                return Column(spelled[_spelling(expected)], unit)
    return None


def temperatures(names: Sequence[str]) -> list[Temperature]:
    """The temperature columns: that of the surface first, those not of the cell last."""
    found = []
    for name in names:
        for sign, unit in UNITS["temperature_degc"].items():
            stem = _stem(name, sign, unit.word)
            if stem is not None and "temperature" in stem:
                found.append(Temperature(Column(name, unit), _short_name(stem)))
                break
    return sorted(found, key=lambda item: (_is_ambient(item), item.short_name != "surface"))


def _choose_temperature(
    path: Path, names: Sequence[str], wanted: str | None
) -> tuple[Column | None, tuple[str, ...]]:
    found = temperatures(names)
    if wanted == NO_TEMPERATURE:
        return None, ()
    if wanted is not None:
        chosen = [item for item in found if item.column.name == wanted.strip()]
        chosen += [item for item in found if item.short_name == _short_name(_any_stem(wanted))]
        if not chosen:
            raise SourceError(
                f"{path}: --temperature-column {wanted}: no such temperature, found "
                f"{listed(item.column.name for item in found)}. Choose one of these or leave "
                f"the flag out."
            )
    else:
        chosen = [item for item in found if not _is_ambient(item)]
    short_names = ", ".join(item.short_name for item in found)
    if not chosen and found:
        return None, (f"temperature: none of the cell ({short_names} with --temperature-column)",)
    if not chosen:
        return None, ()
    note = f"temperature: {chosen[0].short_name} of {len(found)} columns ({short_names})"
    return chosen[0].column, (note,) if len(found) > 1 else ()


def _is_ambient(temperature: Temperature) -> bool:
    return temperature.short_name.startswith("ambient")


def _short_name(stem: str) -> str:
    """The words of a stem that tell it from other temperatures."""
    words = [word for word in stem.split() if word != "temperature"]
    if len(words) == 2 and words[0] == "surface" and re.fullmatch(r"t\d+", words[1]):
        words = words[1:]
    short = " ".join(words) or "temperature"
    return short.upper() if re.fullmatch(r"t\d+", short) else short


def _any_stem(name: str) -> str:
    """The stem of a temperature's name, whichever its unit, or the name itself."""
    units = UNITS["temperature_degc"].items()
    stems = (_stem(name, sign, unit.word) for sign, unit in units)
    return next((stem for stem in stems if stem is not None), _spelling(name).replace("_", " "))


def _stem(name: str, sign: str, word: str) -> str | None:
    """The words before the unit, in lower case, or None where the unit is another one."""
    spelling = _spelling(name)
    for ending in (f" / {sign}".casefold(), f"_{word}"):
        if spelling.endswith(ending):
            return spelling.removesuffix(ending).replace("_", " ")
    return None


def _spelling(name: str) -> str:
    """A name in lower case with one blank on either side of its slash."""
    return " ".join(name.replace("/", " / ").split()).casefold()


def _machine_name(stem: str, word: str) -> str:
    return "_".join([*stem.lower().split(), *([word] if word else [])])


def _expected(term: Term) -> str:
    (sign, unit), *others = UNITS[term.kind].items()
    more = f" (also in {', '.join(sign for sign, _ in others)})" if others else ""
    return f"{term.stem} / {sign} or {_machine_name(term.stem, unit.word)}{more}"
