import csv
import math
from collections import Counter

import numpy as np
import pytest

from data_prep.protocol import parse_policy
from data_prep.simulation.catalogue import file_plans, published_cells
from data_prep.simulation.new_cells import mean_c_rate
from data_prep.simulation.severson import severson_cells

DATES = ("2017-05-12", "2017-06-30", "2018-04-12")  # of the published files
BATCH_OF_DATE = {"5/12/17": "b1", "6/30/17": "b2", "4/12/18": "b3"}


def specs_by_name(num_cells=124, seed=0):
    plans = file_plans(num_cells, seed)
    names = [f"b{number}" for number in range(1, len(plans) + 1)]
    return {
        f"{name}c{index}": spec
        for name, plan in zip(names, plans, strict=True)
        for index, spec in enumerate(plan.cells)
    }


def test_published_policies_and_lives_are_those_of_the_supplement(shared_data):
    text = (shared_data / "matr_policies.csv").read_text("utf-8-sig")
    rows = csv.DictReader(text.splitlines())
    published = [
        (BATCH_OF_DATE[row["Batch date"]], row["Charging policy"], int(row["Cycle life"]))
        for row in rows
    ]
    ours = [(cell.batch, cell.policy, cell.life) for cell in severson_cells() if cell.life]
    assert ours == published
    assert Counter(batch for batch, _, _ in ours) == {"b1": 41, "b2": 43, "b3": 40}


def test_cells_of_batch_2_lie_where_their_measured_lives_say(shared_data):
    # Keys "b2c3/QD": the position of a cell in the published file. The last cycle of a record is
    # the cell's life or the one before.
    with np.load(shared_data / "matr_b2.npz") as measured:
        names = {key.split("/")[0] for key in measured.files}
        records = {name: int(measured[f"{name}/Current_cycle"].max()) for name in names}
    lives = {cell.cell_id: cell.life for cell in severson_cells()}
    assert len(records) == 37
    assert all(0 <= lives[name] - last <= 2 for name, last in records.items())


def test_demo_cells_repeat_policies_with_other_lives():
    specs = published_cells(12, seed=0)
    assert [(spec.policy, spec.eol) for spec in specs] == [
        ("5.4C(40%)-3.6C", 788),
        ("7C(40%)-3C", 1051),
        ("4.8C(80%)-4.8C", 471),
        ("5C(67%)-4C", 1284),
        ("6C(52%)-3.5C", 429),
        ("5.4C(40%)-3.6C", 1054),
        ("8C(15%)-3.6C", 599),
        ("5C(67%)-4C", 1935),
        ("2C(7%)-5.5C", 335),
        ("7C(40%)-3C", 702),
        ("5.4C(60%)-3.6C", 559),
        ("4.8C(80%)-4.8C", 870),
    ]
    assert specs[0].barcode == "sim-b1-00"
    assert published_cells(3, seed=0) == specs[:3]


def test_fewer_than_124_cells_make_one_file_that_begins_with_the_demo():
    (plan,) = file_plans(123, seed=0)
    assert plan.name == "simulated_batchdata.mat"
    assert len(plan.cells) == 123
    assert plan.cells[:12] == tuple(published_cells(12, seed=0))
    assert plan.cells[12].policy == "3.6C(80%)-3.6C"
    assert plan.cells[12].eol == 1852
    assert plan.cells[0].rest_s == 60, "a cell of batch 1"
    assert plan.cells[2].rest_s == 5, "a cell of batch 2"
    assert len({spec.seed for spec in plan.cells}) == 123


def test_124_cells_make_three_files_that_pass_for_the_published_ones():
    plans = file_plans(124, seed=0)
    assert [len(plan.cells) for plan in plans] == [46, 48, 46]
    assert tuple(plan.date for plan in plans) == DATES
    assert all(plan.name.startswith(plan.date) for plan in plans)
    assert all(plan.name.endswith("_errorcorrect_simulated.mat") for plan in plans)


def test_a_cell_is_the_same_in_one_file_and_in_three():
    alone = {(spec.policy, spec.eol, spec.seed) for spec in published_cells(123, seed=4)}
    among = {(spec.policy, spec.eol, spec.seed) for spec in specs_by_name(seed=4).values()}
    assert alone <= among


@pytest.mark.parametrize(
    ("first", "second", "before", "added", "life"),
    [
        ("b1c0", "b2c7", 1190, 662, 1852),
        ("b1c1", "b2c8", 1179, 981, 2160),
        ("b1c2", "b2c9", 1177, 1060, 2237),
        ("b1c3", "b2c15", 1226, 208, 1434),
        ("b1c4", "b2c16", 1227, 482, 1709),
    ],
)
def test_a_continued_cell_has_two_records_of_one_life(first, second, before, added, life):
    specs = specs_by_name()
    begun, continued = specs[first], specs[second]
    assert (begun.eol, begun.last_cycle, begun.stated_life) == (life, before, before)
    assert (continued.eol, continued.cycles_before) == (life, before)
    assert continued.stated_life == added
    assert continued.last_cycle == added + 3, "the record ends three cycles after the life"
    assert (continued.seed, continued.policy) == (begun.seed, begun.policy)


def test_unfinished_cells_end_long_before_their_life_which_the_file_does_not_know():
    specs = specs_by_name()
    for name in ("b1c8", "b1c10", "b1c12", "b1c13", "b1c22"):
        assert math.isnan(specs[name].stated_life)
        assert specs[name].last_cycle == 1000
        assert specs[name].eol == 4000


def test_six_channels_of_batch_3_are_noisy():
    noisy = {name for name, spec in specs_by_name().items() if spec.noisy}
    assert noisy == {"b3c2", "b3c23", "b3c32", "b3c37", "b3c42", "b3c43"}


def test_batch_3_writes_newstructure_behind_every_policy():
    suffixes = {(name[:2], spec.policy_suffix) for name, spec in specs_by_name().items()}
    assert suffixes == {("b1", ""), ("b2", ""), ("b3", "-newstructure")}


def test_mean_rate_of_two_steps():
    # 40 % at 8 C take 3 min, 40 % at 4 C take 6 min: 80 % in 9 min.
    assert mean_c_rate("8C(40%)-4C") == pytest.approx(0.8 / (9 / 60))
    assert mean_c_rate("4.8C(80%)-4.8C") == pytest.approx(4.8)


def test_more_than_124_cells_are_new_ones_in_files_of_48():
    plans = file_plans(124 + 100, seed=0)
    assert [len(plan.cells) for plan in plans] == [46, 48, 46, 48, 48, 4]
    assert repr(plans[:3]) == repr(file_plans(124, seed=0))
    assert plans[3].name == "simulated_batch004_batchdata.mat"
    assert not any(plan.name.startswith(DATES) for plan in plans[3:]), "would pass for published"
    assert plans[3:5] == file_plans(124 + 96, seed=0)[3:], "a cell does not depend on later ones"


def test_new_cells_lie_in_the_space_of_the_published_ones():
    specs = [spec for plan in file_plans(124 + 300, seed=1)[3:] for spec in plan.cells]
    assert len({spec.policy for spec in specs}) > 280
    for spec in specs:
        assert 140 <= spec.eol <= 2300
        assert 3.6 <= mean_c_rate(spec.policy) <= 5.4
        assert len(parse_policy(spec.policy)) == 3


def test_lives_of_new_cells_follow_the_law():
    plans = file_plans(124 + 480, seed=0)[3:]
    levels = (10.38, 9.96, 10.70)
    residuals = [
        np.log(spec.eol) - (levels[number % 3] - 2.43 * np.log(mean_c_rate(spec.policy)))
        for number, plan in enumerate(plans)
        for spec in plan.cells
    ]
    # 480 draws of a spread of 0.24: the mean is off by 0.011, the spread by 0.008.
    assert np.mean(residuals) == pytest.approx(0, abs=0.04)
    assert np.std(residuals) == pytest.approx(0.24, abs=0.03)


def test_another_seed_makes_other_cells_of_the_same_policies():
    first, second = specs_by_name(seed=0), specs_by_name(seed=1)
    assert [spec.policy for spec in first.values()] == [spec.policy for spec in second.values()]
    assert not {s.seed for s in first.values()} & {s.seed for s in second.values()}
