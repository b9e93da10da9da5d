import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from data_prep.records import SIGNALS
from rcvae_tf import generate
from rcvae_tf.generation import drawing
from rcvae_tf.generation.plan import plan_grid
from rcvae_tf.generation.projection import Limits
from tests.builders import exit_code, one_error_line


def arguments(run, output, eol="800", ecl="3"):
    return ["--run", str(run.directory.path), "--eol", eol, "--ecl", ecl, "--output", str(output)]


def test_charges_are_written_and_told(default_run, tmp_path, capsys):
    output = tmp_path / "charges.csv"
    argv = [*arguments(default_run, output), "--samples", "3", "--seed", "7"]
    assert generate.main(argv) == 0
    charges = default_run.generate(eol=800, ecl=3, samples=3, seed=7)
    table = np.genfromtxt(output, delimiter=",", names=True, dtype=None, encoding="utf-8")
    assert table["sample"].tolist() == [1] * 16 + [2] * 16 + [3] * 16
    for name in SIGNALS:
        assert_allclose(table[name], charges[name].ravel(), rtol=1e-6, atol=1e-6)
    assert charges["draw"].tolist() == [1, 2, 3]
    assert capsys.readouterr().out.splitlines() == [
        f"{output}: 3 synthetic charges of 16 points, 3 synthetic cells (csv)",
        f"asked EOL 800 ECL 3; matched EOL {charges['matched_eol'][0]} ECL "
        f"{charges['matched_ecl'][0]} at distance {charges['distance'][0]:.3g} (weight 0.9); "
        "in the support of the data",
    ]


def test_a_grid_is_written_and_summed_up(default_run, tmp_path, capsys):
    output = tmp_path / "grid.npz"
    argv = [*arguments(default_run, output, "500:700:100", "2,4"), "--samples", "2"]
    assert generate.main(argv) == 0
    with np.load(output) as stored:
        assert stored["eol"].tolist() == [500] * 4 + [600] * 4 + [700] * 4
        assert stored["ecl"].tolist() == [2, 4] * 6
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"{output}: 12 synthetic charges of 16 points, 6 synthetic cells (npz)"
    assert second.startswith(
        "6 conditions, EOL 500 to 700, ECL 2 to 4; 6 in the support of the data; nearest known "
        "ones at distance "
    )


def test_conditions_come_from_a_file(default_run, tmp_path):
    conditions, output = tmp_path / "conditions.csv", tmp_path / "c.npz"
    conditions.write_text("eol,ecl\n700,5\n500,2\n")
    argv = ["--run", str(default_run.directory.path), "--conditions", str(conditions)]
    assert generate.main([*argv, "--output", str(output)]) == 0
    with np.load(output) as stored:
        assert stored["eol"].tolist() == [500, 700]


def test_indicators_and_pictures_come_with_the_charges(default_run, tmp_path, capsys):
    output, figures = tmp_path / "c.csv", tmp_path / "figures"
    argv = arguments(default_run, output, "500", "1:4")
    assert generate.main([*argv, "--indicators", "--figures", str(figures)]) == 0
    rows = (tmp_path / "c.csv.indicators.csv").read_text().splitlines()
    assert rows[0].startswith("cell_id,eol,ecl,draw,charge_throughput_ah,")
    assert [row.split(",")[2] for row in rows[1:]] == ["1", "2", "3", "4"]
    drawn = capsys.readouterr().out.splitlines()[2:]
    assert drawn
    assert all((tmp_path / line).stat().st_size > 1000 for line in drawn)


def test_a_large_set_needs_a_yes(default_run, tmp_path, capsys):
    argv = [*arguments(default_run, tmp_path / "set"), "--format", "bdf-parquet"]
    assert generate.main([*argv, "--samples", "10001"]) == 2
    assert one_error_line(capsys).endswith(
        "10001 charges of 10001 synthetic cells would take about 0.0032 GB in 10001 files before "
        "compression. Add --yes to make them, or ask for fewer."
    )
    assert not list(tmp_path.iterdir())


def test_same_seed_same_file(default_run, tmp_path):
    contents = []
    for name in ("a.csv", "b.csv"):
        assert generate.main([*arguments(default_run, tmp_path / name), "--samples", "2"]) == 0
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]


def test_mean_mode_is_one_charge(default_run, tmp_path):
    output = tmp_path / "charges.npz"
    assert generate.main([*arguments(default_run, output), "--mean", "--samples", "9"]) == 0
    expected = default_run.mean_curves(np.array([[800, 3]]), np.zeros((1, 6, 2)))
    with np.load(output) as stored:
        assert stored["voltage_v"].shape == (1, 16)
        assert_allclose(stored["voltage_v"], expected["voltage_v"], rtol=1e-6)


def test_a_condition_outside_the_data_is_refused(default_run, tmp_path, capsys):
    assert generate.main(arguments(default_run, tmp_path / "c.csv", eol="5000")) == 2
    assert one_error_line(capsys) == (
        "python -m rcvae_tf.generate: error: EOL 5000 lies 4100 cycles above the 400 to 900 of the "
        "training data (820.0% of that range). Choose within, or add --extrapolate."
    )
    assert not list(tmp_path.iterdir())


def test_an_extrapolated_condition_is_told_and_marked(default_run, tmp_path, capsys):
    output = tmp_path / "c.npz"
    argv = [*arguments(default_run, output, eol="350", ecl="9"), "--extrapolate"]
    assert generate.main(argv) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "NOT in the support of the data" in lines[1]
    assert lines[2:] == [
        "extrapolated: EOL 350 lies 50 cycles below the 400 to 900 of the training data "
        "(10.0% of that range)",
        "extrapolated: ECL 9 lies 3 cycles above the 1 to 6 of the training data "
        "(60.0% of that range)",
    ]
    with np.load(output) as stored:
        assert stored["in_support"].item() is False


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ("4.8C(80%)", "seen in training"),
        (
            "4.8C(40%)-5.6C(80%)",
            "not seen in training; the nearest, 4.8C(80%)-4.8C, differs by 0.57 C "
            "(RMS up to 80 % charged)",
        ),
    ],
)
def test_a_policy_is_told_and_written(default_run, tmp_path, monkeypatch, capsys, policy, told):
    data = {**default_run.data, "training_policies": ["3C(80%)", "4.8C(80%)-4.8C"]}
    known = replace(default_run, data=data)
    monkeypatch.setattr("rcvae_tf.run.load_run", lambda path: known)
    monkeypatch.setattr(drawing, "conditions_on_policy", lambda run: True)
    monkeypatch.setitem(default_run.model.data_facts["canvas"], "num_fast_steps", 2)
    output = tmp_path / "c.csv"
    assert generate.main([*arguments(default_run, output), "--policy", policy]) == 0
    assert capsys.readouterr().out.splitlines()[2:] == [f"policy {policy}: {told}"]
    assert output.read_text().splitlines()[1].startswith(f"1,800,3,{policy},1,0,0,")


def test_a_run_that_takes_no_policy_refuses_one(default_run, tmp_path, capsys):
    argv = [*arguments(default_run, tmp_path / "c.csv"), "--policy", "4C(80%)"]
    assert generate.main(argv) == 2
    assert "the run is not conditioned on the charge policy" in one_error_line(capsys)


def test_projected_charges_are_told_and_marked(default_run, tmp_path, monkeypatch, capsys):
    (block,) = drawing.draw_blocks(default_run, plan_grid([800], [3], "", 3), seed=0)
    block.curves["current_c_rate"][1, 2] = -0.5
    monkeypatch.setattr("rcvae_tf.generation.stream.draw_blocks", lambda *a, **how: [block])
    limits = Limits((-99.0, 99.0), None, None)
    monkeypatch.setattr("rcvae_tf.generation.stream.limits_of", lambda run: limits)
    output = tmp_path / "c.npz"
    argv = [*arguments(default_run, output), "--samples", "3", "--project"]
    assert generate.main(argv) == 0
    assert "  current: 1 changed, by 0.5 C at the most" in capsys.readouterr().out
    with np.load(output) as stored:
        assert stored["projected"][1]
        assert stored["current_c_rate"].min() >= 0.0


@pytest.mark.parametrize("eol", ["800.0", "8e2"])
def test_whole_numbers_may_be_written_otherwise(default_run, tmp_path, capsys, eol):
    assert generate.main(arguments(default_run, tmp_path / "c.csv", eol=eol)) == 0
    assert "asked EOL 800 ECL 3" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("eol", "ecl", "message"),
    [
        ("800", "0", "ECL must be a whole number of cycles, 1 or more. Received: ECL=0."),
        ("-3", "1", "EOL must be a whole number of cycles, 1 or more. Received: EOL=-3."),
        ("abc", "1", "--eol must be a whole number of cycles. Received: abc."),
        ("nan", "1", "--eol must be a whole number of cycles. Received: nan."),
        ("800", "inf", "--ecl must be a whole number of cycles. Received: inf."),
        ("800", "1.5", "--ecl must be a whole number of cycles. Received: 1.5."),
    ],
)
def test_a_condition_that_no_cell_can_have_is_refused(
    default_run, tmp_path, capsys, eol, ecl, message
):
    argv = arguments(default_run, tmp_path / "charges.csv", eol, ecl)
    assert exit_code(generate.main, argv) == 2
    assert one_error_line(capsys) == f"python -m rcvae_tf.generate: error: {message}"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("output", "flags", "message"),
    [
        ("charges.xlsx", "", "charges.xlsx: must end with one of .bdf.parquet, .bdf.csv, .csv,"),
        ("charges", "--format xlsx", "--format xlsx: unknown. Choose one of bdf-parquet, bdf-csv,"),
        ("nowhere/charges.csv", "", "nowhere does not exist. Make it."),
        ("taken.csv", "", "taken.csv: exists. Choose another name, or add --overwrite."),
        ("charges.csv", "--samples 0", "Received: samples=0."),
        ("charges.csv", "--seed -1", "Received: seed=-1."),
        ("charges.csv", "--seed one", "argument --seed: invalid int value: 'one'"),
        ("charges.csv", "--conditions c.csv", "--conditions and --eol exclude each other"),
        ("charges.csv", "--ecl 9:2", "--ecl 9:2: 9:2 holds no cycles, expected START:STOP or"),
        ("charges.csv", "--run nowhere", "nowhere: holds no run (config.json is missing)"),
    ],
)
def test_a_fault_of_the_user_is_one_line_and_leaves_nothing(
    default_run, tmp_path, monkeypatch, capsys, output, flags, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken.csv").write_text("mine")
    argv = [*arguments(default_run, output), *flags.split()]
    assert exit_code(generate.main, argv) == 2
    line = one_error_line(capsys)
    assert line.startswith("python -m rcvae_tf.generate: error: ")
    assert message in line
    assert [path.name for path in tmp_path.iterdir()] == ["taken.csv"]
    assert (tmp_path / "taken.csv").read_text() == "mine"


def test_overwrite_replaces_a_file(default_run, tmp_path):
    output = tmp_path / "charges.csv"
    output.write_text("old")
    assert generate.main([*arguments(default_run, output), "--overwrite"]) == 0
    assert output.read_text().startswith("sample,eol,ecl,policy,in_support,projected,point,")


HELP_OF_ALL = """
import contextlib, sys
from rcvae_tf import evaluate, generate, train
for command in (evaluate, generate, train):
    with contextlib.suppress(SystemExit):
        command.main(["--help"])
print(*sorted({"tensorflow", "keras", "matplotlib", "h5py"} & set(sys.modules)), file=sys.stderr)
"""


def test_help_of_every_command_needs_no_tensorflow():
    answer = subprocess.run(
        [sys.executable, "-c", HELP_OF_ALL], capture_output=True, text=True, check=True
    )
    for flag in ("--figures", "--ecl", "--kl-weight", "(default: "):
        assert flag in answer.stdout
    assert answer.stderr.strip() == ""
