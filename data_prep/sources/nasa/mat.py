"""The records of a NASA PCoE cell as published: one `B00xx.mat` of MATLAB v5."""

import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.errors import SourceError
from data_prep.records import FloatArray
from data_prep.sources.cycler.tables import listed
from data_prep.sources.nasa.matlab_v5 import HigherVersion, load_variables
from data_prep.sources.nasa.records import (
    CHARGE,
    CHARGE_FIELDS,
    DISCHARGE,
    WAY_OUT,
    NasaRecord,
)

SUFFIX = ".mat"


def read_records(path: Path) -> list[NasaRecord]:
    """The file's array `cycle` in its order; the curves of its charges stay in memory.

    Raises:
        SourceError: A file that is not MATLAB v5, is damaged, or lacks the fields of a cell;
            names the file and the charge.
    """
    records: list[NasaRecord] = []
    number = 0
    for struct in _structs(path, _load(path)):
        data = struct.get("data")
        fields = data if isinstance(data, dict) else {}
        kind = struct["type"] if isinstance(struct["type"], str) else ""
        number += kind == CHARGE
        if kind == CHARGE:
            read_curves = partial(_curves, fields, f"{path}, charge {number}")
            records.append(NasaRecord(kind, read_curves=read_curves))
        elif kind == DISCHARGE:
            where = f"{path}, discharge after charge {number}"
            records.append(NasaRecord(kind, _capacity_ah(fields, where)))
        else:
            records.append(NasaRecord(kind))
    return records


def _load(path: Path) -> dict[str, Any]:
    try:
        return load_variables(path)
    except HigherVersion:
        raise SourceError(
            f"{path}: is a MATLAB v7.3 (HDF5) file, expected MATLAB v5 as NASA publishes it. "
            f"If it is a MATR batch, give --source matr."
        ) from None
    except (OSError, ValueError) as error:
        cause = (str(error).splitlines() or [type(error).__name__])[0]
        raise SourceError(f"{path}: cannot be read as a MATLAB v5 file ({cause}). {WAY_OUT}") from (
            None
        )


def _structs(path: Path, variables: dict[str, Any]) -> list[dict[str, Any]]:
    cells = [v for v in variables.values() if isinstance(v, dict) and "cycle" in v]
    if not cells:
        raise SourceError(
            f"{path}: expected a struct with the field `cycle`, found {listed(variables)}. "
            f"{WAY_OUT}"
        )
    cycle = cells[0]["cycle"]
    structs = cycle if isinstance(cycle, list) else [cycle]
    if isinstance(cycle, np.ndarray) and not cycle.size:
        return []
    for index, struct in enumerate(structs, start=1):
        if not isinstance(struct, dict) or "type" not in struct:
            raise SourceError(
                f"{path}: record {index} of `cycle` is no struct with the field `type`. {WAY_OUT}"
            )
    return structs


def _curves(fields: dict[str, Any], where: str) -> dict[str, FloatArray]:
    curves = {name: _numbers(fields, field, where) for name, field in CHARGE_FIELDS.items()}
    sizes = {CHARGE_FIELDS[name]: values.size for name, values in curves.items()}
    if len(set(sizes.values())) > 1:
        raise SourceError(f"{where}: expected equally many points, found {sizes}. {WAY_OUT}")
    return curves


def _capacity_ah(fields: dict[str, Any], where: str) -> float:
    """NaN where the file has none."""
    if "Capacity" not in fields:
        return math.nan
    values = _numbers(fields, "Capacity", where)
    if values.size > 1:
        raise SourceError(f"{where}: `Capacity` has {values.size} values, expected 1. {WAY_OUT}")
    return float(values[0]) if values.size else math.nan


def _numbers(fields: dict[str, Any], field: str, where: str) -> FloatArray:
    """A field of a record, shape `(points,)`; empty where the file has `[]`."""
    if field not in fields:
        raise SourceError(
            f"{where}: expected the field `{field}`, found {listed(fields)}. {WAY_OUT}"
        )
    values = fields[field]
    if not isinstance(values, np.ndarray):
        raise SourceError(f"{where}: `{field}` must be real numbers. {WAY_OUT}")
    return values
