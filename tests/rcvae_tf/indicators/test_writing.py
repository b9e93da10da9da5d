import csv
from pathlib import Path

import numpy as np
import pytest

from rcvae_tf.generation.charges import ChargeBlock, SetFacts
from rcvae_tf.indicators import INDICATORS
from rcvae_tf.indicators.writing import IndicatorWriter
from tests.rcvae_tf.indicators.builders import one_hour_at_1c


def facts(**replaced):
    known = {
        "signals": ("voltage_v", "current_c_rate", "charge_capacity_ah", "elapsed_time_s"),
        "height": 16,
        "width": 16,
        "nominal_capacity_ah": 1.1,
        "max_voltage_v": 4.2,
        "num_charges": 3,
        "num_cells": 2,
        "provenance": {},
    }
    return SetFacts(**(known | replaced))


def block(first_ecl, shares):
    curves = one_hour_at_1c()
    scaled = {name: np.tile(values, (len(shares), 1)) for name, values in curves.items()}
    scaled["charge_capacity_ah"] *= np.array(shares)[:, None]
    num = len(shares)
    return ChargeBlock(
        labels=np.array([[800, first_ecl + i] for i in range(num)]),
        draws=np.full(num, 2),
        cell_ids=["synthetic_eol800_2"] * num,
        policies=[""] * num,
        in_support=np.ones(num, bool),
        projected=np.zeros(num, bool),
        curves=scaled,
    )


def written(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_a_charge_over_the_border_of_blocks(tmp_path):
    writer = IndicatorWriter(tmp_path / "indicators.csv", facts())
    writer.add(block(1, [1.0, 0.9]))
    writer.add(block(3, [0.8]))
    assert writer.close() == [Path("indicators.csv")]
    rows = written(tmp_path / "indicators.csv")
    assert list(rows[0]) == ["cell_id", "eol", "ecl", "draw", *(row.name for row in INDICATORS)]
    assert [(r["cell_id"], r["eol"], r["ecl"], r["draw"]) for r in rows] == [
        ("synthetic_eol800_2", "800", str(ecl), "2") for ecl in (1, 2, 3)
    ]
    assert [float(r["capacity_soh"]) for r in rows] == pytest.approx([1.0, 0.9, 0.8])
    # Four fifths of the energy at the same voltages.
    assert [float(r["charge_energy_wh"]) for r in rows] == pytest.approx([3.63, 3.267, 2.904])


def test_what_is_not_valid_is_an_empty_field(tmp_path):
    writer = IndicatorWriter(tmp_path / "i.csv", facts(nominal_capacity_ah=None))
    writer.add(block(1, [1.0]))
    writer.close()
    (row,) = written(tmp_path / "i.csv")
    assert row["capacity_soh"] == row["mean_temperature_degc"] == row["cv_time_s"] == ""
    assert row["charge_throughput_ah"] == "1.1"


def test_a_set_without_charges_has_a_head(tmp_path):
    IndicatorWriter(tmp_path / "i.csv", facts()).close()
    assert (tmp_path / "i.csv").read_text(encoding="utf-8").startswith("cell_id,eol,ecl,draw,")
    assert written(tmp_path / "i.csv") == []
