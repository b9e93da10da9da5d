import pytest

from data_prep.errors import SettingsError
from rcvae_tf.report.ablation_tables import (
    plateau_text,
    read_ablation,
    signals_of,
    table_2,
    table_s1,
    table_s2,
)
from rcvae_tf.report.paper_tables import look_ups_text, table_1, table_baselines
from rcvae_tf.report.report_table import ReportTable, as_markdown, cell_text, only_ours, write_csv

SIGNALS = ("voltage_v", "current_c_rate", "temperature_degc", "charge_capacity_ah", "total")
COLUMNS = (
    "early_cycles,detach,mae,rmse,mae_voltage_v,rmse_voltage_v,mae_current_c_rate,"
    "rmse_current_c_rate,mae_temperature_degc,rmse_temperature_degc,mae_charge_capacity_ah,"
    "rmse_charge_capacity_ah"
)
SMALL = ReportTable(
    name="small",
    title="Small",
    note="",
    columns=("n", "what", "MAE ours", "paper"),
    rows=((20, "a|b", 0.123456789, None), (100, "c", None, 0.41)),
)


def errors(mae, signals=SIGNALS):
    """By signal `mae` times 1, 2, 3, ...; the RMSE is ten times that."""
    return {s: {"mae": mae * k, "rmse": 10 * mae * k} for k, s in enumerate(signals, start=1)}


def metrics(signals=SIGNALS, nearest=0.01):
    """Totals: 0.5 reconstructed, 0.1 of the mean, 0.05 of a copy."""
    return {
        "modes": {
            "reconstruct": errors(0.1, signals),
            "prior": errors(0.03, signals),
            "mean": errors(0.02, signals),
        },
        "baselines": {
            "global_mean": errors(0.04, signals),
            "ecl_mean": errors(0.05, signals),
            "nearest_label": errors(nearest, signals),
            "k_nearest_mean": errors(0.008, signals),
        },
    }


def ablated(cycles, detach, factor=1.0, temperature=True):
    """Voltage 0.02, current 0.2, temperature 0.4, capacity 0.03, total 0.1, times a factor."""
    maes = {"": 0.1, "_voltage_v": 0.02, "_current_c_rate": 0.2, "_charge_capacity_ah": 0.03}
    maes["_temperature_degc"] = 0.4 if temperature else None
    row = {"early_cycles": cycles, "detach": detach}
    for end, mae in maes.items():
        row[f"mae{end}"] = None if mae is None else mae * factor
        row[f"rmse{end}"] = None if mae is None else 2 * mae * factor
    return row


def find(table, **cells):
    """The one row with these cells, as a dictionary."""
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    (row,) = [row for row in rows if cells.items() <= row.items()]
    return row


def test_a_row_of_table_1_is_ours_the_papers_and_what_is_simpler():
    row = find(table_1({20: metrics()}), n=20, signal="I (C)", error="MAE")
    assert row == {
        "n": 20,
        "signal": "I (C)",
        "error": "MAE",
        "ours": pytest.approx(0.2),
        "paper": 0.286,
        "difference": pytest.approx(-0.086),
        "mean (z = 0)": pytest.approx(0.04),
        "prior (z drawn)": pytest.approx(0.06),
        "global_mean": pytest.approx(0.08),
        "ecl_mean": pytest.approx(0.1),
        "nearest_label": pytest.approx(0.02),
        "k_nearest_mean": pytest.approx(0.016),
    }
    row = find(table_1({20: metrics()}), n=20, signal="Total", error="RMSE")
    assert (row["ours"], row["paper"]) == (pytest.approx(5.0), 0.418)


def test_table_1_has_every_row_of_the_paper_run_or_not():
    table = table_1({4: metrics()})
    keys = [row[:3] for row in table.rows]
    assert len(keys) == len(set(keys)) == 2 * 6 * 5
    assert keys[:6] == [
        *((4, label, "MAE") for label in ("V (V)", "I (C)", "T (°C)", "Qc (Ah)", "Total")),
        (20, "V (V)", "MAE"),
    ]
    assert keys[30] == (4, "V (V)", "RMSE")
    row = find(table, n=100, signal="Qc (Ah)", error="RMSE")
    assert row["paper"] == 0.044
    assert set(row.values()) == {100, "Qc (Ah)", "RMSE", 0.044, None}


def test_a_number_of_cycles_that_the_paper_lacks_stands_alone():
    row = find(table_1({4: metrics()}), n=4, signal="V (V)", error="MAE")
    assert (row["ours"], row["paper"], row["difference"]) == (0.1, None, None)


def test_an_absent_signal_has_no_number_of_ours():
    without = [s for s in SIGNALS if s != "temperature_degc"]
    row = find(table_1({20: metrics(without)}), n=20, signal="T (°C)", error="MAE")
    assert set(row.values()) == {20, "T (°C)", "MAE", 0.404, None}


def test_the_note_of_table_1_says_what_its_numbers_say():
    # Total of the mean 0.1, of a copy 0.05, of k neighbours 0.04, of the global mean 0.2.
    assert table_1({20: metrics(), 100: metrics()}).note == (
        "At n = 100 the total MAE of generation (z = 0) is 0.1: 2 times that of nearest_label "
        "and 2.5 times that of k_nearest_mean, and better than global_mean (0.2). "
        "In the paper's mode (reconstruct, the encoder sees the curve) it is 0.5 at n = 100, "
        "3.97 times the paper's 0.126."
    )


def test_the_note_of_table_1_hides_nothing():
    bad = metrics(nearest=0.0)
    bad["modes"]["mean"] = errors(0.04)
    note = table_1({4: bad}).note
    assert "not comparable with the exact nearest_label" in note
    assert "no better than global_mean (0.2)" in note
    assert note.endswith("The paper has none of these numbers of cycles.")
    assert table_1({}).note == ""


def test_baselines_are_told_as_totals_and_ratios():
    table = table_baselines({100: metrics(), 20: metrics()}, "Preset default", "table_default")
    assert (table.name, table.title) == ("table_default", "Preset default")
    assert [row[0] for row in table.rows] == [20, 100]
    assert find(table, n=100) == {
        "n": 100,
        "reconstruct (sees the curve)": pytest.approx(0.5),
        "mean (z = 0)": pytest.approx(0.1),
        "prior (z drawn)": pytest.approx(0.15),
        "global_mean": pytest.approx(0.2),
        "ecl_mean": pytest.approx(0.25),
        "nearest_label": pytest.approx(0.05),
        "k_nearest_mean": pytest.approx(0.04),
        "mean / nearest_label": pytest.approx(2.0),
        "mean / k_nearest_mean": pytest.approx(2.5),
    }
    assert table.note.startswith("At n = 20 the total MAE of generation (z = 0) is 0.1: 2 times")


def test_table_2_sets_ours_beside_the_papers_at_the_largest_number_of_cycles():
    rows = [ablated(20, "None", 9.0), ablated(100, "None"), ablated(100, "Embedding", 3.0)]
    table = table_2(rows, [ablated(100, "Embedding", 4.0)])
    assert len(table.rows) == 32
    row = find(table, detach="Embedding")
    assert row["n"] == 100
    assert row["MAE Total ours"] == pytest.approx(0.3)
    assert row["MAE Total paper"] == 0.296
    assert row["MAE Total difference"] == pytest.approx(0.004)
    assert row["MAE Total z = 0"] == pytest.approx(0.4)
    assert row["RMSE I (C) ours"] == pytest.approx(1.2)
    assert row["RMSE I (C) paper"] == 0.955
    assert find(table, detach="None")["MAE V (V) z = 0"] is None


def test_rows_that_were_not_run_have_the_papers_numbers_alone():
    row = find(table_2([ablated(100, "None")], []), detach="Decoder_8")
    assert (row["MAE Total paper"], row["MAE V (V) paper"]) == (0.126, 0.022)
    assert {v for k, v in row.items() if not k.endswith("paper")} == {100, "Decoder_8", None}


def test_rows_beyond_the_paper_come_last_where_they_were_run():
    rows = [ablated(n, d) for n in (20, 100) for d in ("None", "latent", "labels")][:-1]
    assert [row[1] for row in table_2(rows, []).rows[-3:]] == ["None", "Embedding", "latent"]
    names = [row[1] for row in table_s1(rows, []).rows if row[0] == 20]
    assert names[-4:] == ["None", "Embedding", "latent", "labels"]
    assert len(names) == 34


def test_table_2_below_100_cycles_takes_the_papers_numbers_from_its_other_tables():
    table = table_2([ablated(40, "None"), ablated(40, "Embedding")], [])
    row = find(table, n=40, detach="Embedding")
    assert (row["MAE I (C) paper"], row["MAE Total paper"]) == (0.649, None)
    assert find(table, n=40, detach="None")["RMSE Total paper"] == 0.436


@pytest.mark.parametrize("cycles", [40, 200])
def test_table_2_has_every_row_of_the_paper_whatever_was_run(cycles):
    table = table_2([ablated(cycles, "None")], [])
    assert [row[0] for row in table.rows] == [cycles] * 32 + [100] * 32
    row = find(table, n=100, detach="Embedding")
    assert (row["MAE Total paper"], row["MAE Total ours"]) == (0.296, None)
    assert len(only_ours(table).rows) == 1
    assert table.title.endswith(f"at n = {cycles} early cycles; the paper's is of n = 100")
    assert table_2([ablated(100, "None")], []).title == "Table 2: ablation at n = 100 early cycles"


def test_rows_on_the_plateau_of_the_global_mean_are_told_as_such():
    # The whole model has a total MAE of 0.1, times 9 at 20 cycles.
    rows = [ablated(20, "None", 9.0), ablated(100, "None"), ablated(100, "Embedding", 9.0)]
    assert plateau_text(rows, {20: 0.99, 100: 0.12}) == (
        "The rows of n = 20 were trained too briefly to leave the plateau of the global mean "
        "(total MAE 0.9 against 0.99): they say nothing of the parts."
    )
    assert plateau_text(rows, {20: 1.01, 100: 0.12}) == ""
    assert plateau_text(rows, {}) == ""
    assert plateau_text([ablated(20, "Embedding", 9.0)], {20: 0.99}) == ""


def test_look_ups_are_told_with_their_settings_by_number_of_cycles():
    told = {
        "nearest_label": {"condition_weight": 0.5808252},
        "k_nearest_mean": {"k": 6, "condition_weight": 0.95},
    }
    runs = {n: {"samples": {"train": 10 * n}, "baseline_settings": told} for n in (100, 20)}
    assert look_ups_text(runs) == (
        "Look-ups, w being the weight of EOL in (14): n = 20, of 200 training charges: "
        "nearest_label (w 0.580825), k_nearest_mean (k 6, w 0.95); n = 100, of 1000 training "
        "charges: nearest_label (w 0.580825), k_nearest_mean (k 6, w 0.95)."
    )
    assert look_ups_text({}) == ""


def test_supplementary_tables_have_all_numbers_of_cycles():
    rows = [ablated(4, "None"), ablated(40, "Embedding", 2.0)]
    first, second = table_s1(rows, []), table_s2(rows, rows)
    for table in (first, second):
        assert sorted({row[0] for row in table.rows}) == [4, 20, 40, 60, 80, 100]
        assert len(table.rows) == 6 * 32
    row = find(first, n=40, detach="Embedding")
    assert (row["MAE V (V) ours"], row["MAE V (V) paper"]) == (pytest.approx(0.04), 0.044)
    row = find(second, n=40, detach="Embedding")
    assert (row["MAE T (°C) ours"], row["MAE T (°C) paper"]) == (pytest.approx(0.8), 0.872)
    assert row["MAE T (°C) z = 0"] == pytest.approx(0.8)
    assert (row["RMSE Qc (Ah) ours"], row["RMSE Qc (Ah) paper"]) == (pytest.approx(0.12), 0.082)


def test_the_note_of_an_ablation_counts_in_multiples_of_the_whole_model():
    rows = [
        ablated(100, "Decoder_1", 0.9),
        ablated(100, "Encoder_2", 1.25),
        ablated(100, "None"),
        ablated(100, "Embedding", 2.0),
        ablated(100, "latent", 1.01),
        ablated(100, "labels", 3.0),
    ]
    # The paper at 100 cycles, total: 0.124 to 0.128 and 0.296 over 0.126.
    assert table_2(rows, []).note.startswith(
        "MAE at n = 100 in multiples of that of the row None. "
        "Total: a layer less 0.90 to 1.25 (2 rows), no embedding 2.00, z = 0 for the latent "
        "1.01, shuffled labels 3.00 "
        "(the paper: a layer less 0.98 to 1.02 (30 rows), no embedding 2.35). V (V):"
    )


def test_the_note_of_an_ablation_says_no_more_than_there_is():
    assert table_2([], []).note == ""
    assert table_2([ablated(100, "Embedding")], []).note == ""
    rows = [ablated(4, "None", temperature=False), ablated(4, "Encoder_2", 1.5, temperature=False)]
    assert table_s2(rows, []).note == (
        "MAE at n = 4 in multiples of that of the row None. "
        "Qc (Ah): a layer less 1.50 to 1.50 (1 row)."
    )


def test_an_ablation_is_read_with_nothing_where_a_cell_is_empty(tmp_path):
    path = tmp_path / "ablation.csv"
    path.write_text(f"{COLUMNS}\n20,None,0.1,0.2,0.3,0.4,0.5,0.6,,,0.9,1\n", encoding="utf-8")
    (row,) = read_ablation(path)
    assert (row["early_cycles"], row["detach"]) == (20, "None")
    assert list(row.values())[2:] == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, None, None, 0.9, 1.0]
    assert signals_of([row]) == ("voltage_v", "current_c_rate", "charge_capacity_ah")
    assert signals_of([]) == ()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("early_cycles,mae\n", "Received: early_cycles, mae"),
        ("", "Received: none"),
        (f"{COLUMNS}\n20,None,much,,,,,,,,,\n", "line 2: not the row of an ablation"),
        (f"{COLUMNS}\n20,None\n", "line 2: not the row of an ablation"),
    ],
)
def test_what_is_no_ablation_is_refused(tmp_path, content, complaint):
    path = tmp_path / "ablation.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match=complaint):
        read_ablation(path)


def test_a_missing_ablation_is_refused(tmp_path):
    with pytest.raises(SettingsError, match=r"ablation\.csv: is missing\. Make it with"):
        read_ablation(tmp_path / "ablation.csv")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((None, "-"), ("None", "None"), (100, "100"), (2500, "2500"), (0.41, "0.41")),
        *((1.106, "1.106"), (0.00322059, "0.00322"), (-0.0864, "-0.0864"), (12.34, "12.34")),
    ],
)
def test_a_cell_for_the_eye(value, text):
    assert cell_text(value) == text


def test_csv_has_empty_cells_where_there_is_no_number(tmp_path):
    write_csv(SMALL, tmp_path / "tables" / "small.csv")
    text = (tmp_path / "tables" / "small.csv").read_text(encoding="utf-8")
    assert text == "n,what,MAE ours,paper\n20,a|b,0.123457,\n100,c,,0.41\n"
    assert [path.name for path in (tmp_path / "tables").iterdir()] == ["small.csv"]


def test_markdown_sets_numbers_to_the_right():
    assert as_markdown(SMALL) == (
        "| n | what | MAE ours | paper |\n"
        "| ---: | --- | ---: | ---: |\n"
        "| 20 | a\\|b | 0.123 | - |\n"
        "| 100 | c | - | 0.41 |\n"
    )


def test_rows_of_the_paper_alone_can_be_left_out():
    assert only_ours(SMALL).rows == SMALL.rows[:1]
    assert len(only_ours(table_1({4: metrics(), 20: metrics()})).rows) == 2 * 2 * 5
