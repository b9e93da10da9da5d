"""Units that recordings come in, and the way from each to ours."""

from typing import NamedTuple

from data_prep.records import FloatArray


class Unit(NamedTuple):
    """A unit: the word for it in machine names, and `ours = value * scale + offset`."""

    word: str
    scale: float = 1.0
    offset: float = 0.0


# By our name of the quantity, then by the sign of the unit; ours is the first.
UNITS = {
    "time_s": {
        "s": Unit("second"),
        "ms": Unit("millisecond", 1e-3),
        "min": Unit("minute", 60.0),
        "h": Unit("hour", 3600.0),
    },
    "voltage_v": {"V": Unit("volt"), "mV": Unit("millivolt", 1e-3)},
    "current_a": {"A": Unit("ampere"), "mA": Unit("milliampere", 1e-3)},
    "capacity_ah": {"Ah": Unit("ah"), "mAh": Unit("mah", 1e-3)},
    "temperature_degc": {
        "degC": Unit("celsius"),
        "°C": Unit("celsius"),
        "C": Unit("celsius"),
        "K": Unit("kelvin", offset=-273.15),
    },
    "cycle": {"1": Unit("")},
}


class Column(NamedTuple):
    """A column of a table and its unit."""

    name: str
    unit: Unit

    def in_our_unit(self, values: FloatArray) -> FloatArray:
        """The values of the column in our unit, same shape."""
        if (self.unit.scale, self.unit.offset) == (1.0, 0.0):
            return values
        return values * self.unit.scale + self.unit.offset
