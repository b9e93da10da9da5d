import csv
from pathlib import Path

import pytest

from rcvae_tf.report.paper_numbers import TABLES, paper_rows


def row_of(table, **key):
    (row,) = [r for r in paper_rows(table) if key.items() <= r.items()]
    return row


def test_table_1_as_printed():
    assert row_of("table1", early_cycles=20, signal="voltage_v") == {
        "early_cycles": 20,
        "signal": "voltage_v",
        "mae": 0.023,
        "rmse": 0.044,
    }
    assert row_of("table1", early_cycles=80, signal="total")["rmse"] == 0.447
    assert row_of("table1", early_cycles=100, signal="temperature_degc")["mae"] == 0.404


def test_table_2_as_printed():
    assert row_of("table2", detach="Embedding") == {
        "detach": "Embedding",
        "mae": 0.296,
        "rmse": 0.635,
        "mae_voltage_v": 0.045,
        "rmse_voltage_v": 0.062,
        "mae_current_c_rate": 0.652,
        "rmse_current_c_rate": 0.955,
    }
    assert row_of("table2", detach="Encoder_4")["rmse"] == 0.434


def test_supplementary_tables_as_printed():
    first = row_of("table_s1", early_cycles=60, detach="Embedding")
    assert (first["mae_voltage_v"], first["rmse_current_c_rate"]) == (0.053, 1.192)
    second = row_of("table_s2", early_cycles=20, detach="Encoder_4")
    assert (second["mae_charge_capacity_ah"], second["rmse_temperature_degc"]) == (0.022, 0.77)


@pytest.mark.parametrize(
    ("table", "count"), [("table1", 25), ("table2", 32), ("table_s1", 160), ("table_s2", 160)]
)
def test_every_row_is_there_once(table, count):
    keys = [
        tuple(r.get(k) for k in ("early_cycles", "signal", "detach")) for r in paper_rows(table)
    ]
    assert len(keys) == len(set(keys)) == count


@pytest.mark.parametrize(
    ("table", "column", "total"),
    [
        *(("table1", "mae", 4.290), ("table1", "rmse", 10.155)),
        *(("table2", "mae", 4.208), ("table2", "rmse_voltage_v", 1.491)),
        *(("table_s1", "mae_current_c_rate", 46.876), ("table_s1", "rmse_voltage_v", 7.438)),
        ("table_s2", "rmse_temperature_degc", 126.964),
        ("table_s2", "mae_charge_capacity_ah", 3.397),
    ],
)
def test_no_number_is_lost_or_changed(table, column, total):
    assert sum(row[column] for row in paper_rows(table)) == pytest.approx(total, abs=1e-6)


def test_ablated_rows_stand_in_the_order_of_the_paper():
    names = [row["detach"] for row in paper_rows("table2")]
    assert names[:5] == ["Decoder_1", "Decoder_2", "Encoder_2", "Decoder_3", "Encoder_3"]
    assert names[-5:] == ["Decoder_15", "Encoder_15", "Encoder_16", "None", "Embedding"]
    for table in ("table_s1", "table_s2"):
        for cycles in (20, 40, 60, 80, 100):
            rows = [r["detach"] for r in paper_rows(table) if r["early_cycles"] == cycles]
            assert rows == names


def test_whoever_changes_a_row_changes_his_own():
    paper_rows("table1")[0]["mae"] = 99.0
    assert paper_rows("table1")[0]["mae"] == 0.023


@pytest.mark.parametrize("table", TABLES)
def test_the_copy_is_true_to_the_transcription(table):
    path = Path(__file__).resolve().parents[3] / "shared" / "paper" / f"{table}.csv"
    if not path.is_file():
        pytest.skip("needs the tables of the paper beside the checkout")
    with path.open(encoding="utf-8", newline="") as file:
        theirs = list(csv.DictReader(file))
    ours = paper_rows(table)
    assert len(ours) == len(theirs)
    for row, expected in zip(ours, theirs, strict=True):
        assert {k: v if isinstance(v, str) else float(v) for k, v in row.items()} == {
            k: v if k in ("signal", "detach") else float(v) for k, v in expected.items()
        }
