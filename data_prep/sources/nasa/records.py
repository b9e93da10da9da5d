"""What both layouts of the NASA PCoE cells hold: charges and discharges, one after the other."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from data_prep.records import FloatArray

CHARGE = "charge"
DISCHARGE = "discharge"

# Our name of a quantity to its field in a charge; the current is still in A.
CHARGE_FIELDS = {
    "time_s": "Time",
    "voltage_v": "Voltage_measured",
    "current_a": "Current_measured",
    "temperature_degc": "Temperature_measured",
}

WAY_OUT = "Download the file again from the NASA PCoE repository, or take it out of --input."


@dataclass(frozen=True)
class NasaRecord:
    """One charge, discharge or impedance measurement.

    Args:
        kind: "charge", "discharge", or another word.
        capacity_ah: Of a discharge; NaN where the file has none.
        read_curves: Of a charge: its series by the names of `CHARGE_FIELDS`; None where the file
            is not there.
    """

    kind: str
    capacity_ah: float = math.nan
    read_curves: Callable[[], Mapping[str, FloatArray]] | None = None
