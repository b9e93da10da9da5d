import re

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from data_prep.errors import ConditionError, SettingsError
from rcvae_tf.generation.plan import (
    Life,
    parse_cycles,
    plan_conditions,
    plan_grid,
    plan_of,
    read_conditions,
)

CONDITIONS = [(900, 3, ""), (500, 7, "4C"), (900, 1, ""), (500, 2, "3C"), (500, 9, "4C")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("800", [800]),
        ("8e2", [800]),
        ("400,800.0", [400, 800]),
        ("1:4", [1, 2, 3, 4]),
        ("400:500:50", [400, 450, 500]),
        ("400:499:50", [400, 450]),
        ("1:3,7", [1, 2, 3, 7]),
        ("5:5", [5]),
    ],
)
def test_cycles_are_written_as_numbers_lists_and_ranges_with_their_end(text, expected):
    assert parse_cycles("--eol", text) == expected


@pytest.mark.parametrize("text", ["5:4", "1:9:0", "1:9:-2", "1:2:3:4", "1:1000001", "3:", ":", ""])
def test_a_range_that_holds_nothing_is_refused(text):
    with pytest.raises(ConditionError, match=r"^--ecl"):
        parse_cycles("--ecl", text)


def test_an_empty_range_says_what_was_expected():
    with pytest.raises(ConditionError) as caught:
        parse_cycles("--ecl", "2,100:1")
    assert str(caught.value) == (
        "--ecl 2,100:1: 100:1 holds no cycles, expected START:STOP or START:STOP:STEP with "
        "START <= STOP <= 1000000 and STEP >= 1."
    )


@pytest.mark.parametrize("text", ["abc", "nan", "inf", "1.5", "1:x"])
def test_what_is_no_number_of_cycles_is_refused(text):
    expected = rf"^--eol must be a whole number of cycles\. Received: {re.escape(text)}\.$"
    with pytest.raises(ConditionError, match=expected):
        parse_cycles("--eol", text)


def test_conditions_are_grouped_by_life_and_sorted_by_age():
    plan = plan_conditions(CONDITIONS, samples=2)
    assert plan.lives == (Life(500, "3C", (2,)), Life(500, "4C", (7, 9)), Life(900, "", (1, 3)))
    assert (plan.num_conditions, plan.num_cells, plan.num_charges) == (5, 6, 10)
    assert plan.labels.tolist() == [[500, 2], [500, 7], [500, 9], [900, 1], [900, 3]]


def test_charges_come_life_by_life_draw_by_draw_age_by_age():
    rows = plan_conditions(CONDITIONS, samples=2).rows(0, 10)
    assert rows.lives.tolist() == [0, 0, 1, 1, 1, 1, 2, 2, 2, 2]
    assert rows.draws.tolist() == [1, 2, 1, 1, 2, 2, 1, 1, 2, 2]
    assert rows.labels[:, 1].tolist() == [2, 2, 7, 9, 7, 9, 1, 3, 1, 3]
    assert rows.labels[:, 0].tolist() == [500] * 6 + [900] * 4


def test_any_part_of_the_charges_is_that_of_all():
    plan = plan_conditions(CONDITIONS, samples=3)
    whole = plan.rows(0, plan.num_charges)
    for start, stop in ((0, 1), (2, 7), (4, 15), (14, 15)):
        for part, of_whole in zip(plan.rows(start, stop), whole, strict=True):
            assert_array_equal(part, of_whole[start:stop])


def test_a_million_draws_are_not_laid_out_in_memory():
    plan = plan_grid([800], [50], "", 10**6)
    rows = plan.rows(10**6 - 2, 10**6)
    assert rows.draws.tolist() == [10**6 - 1, 10**6]
    assert plan.labels.shape == (1, 2)


def test_a_cell_is_named_by_its_life_and_draw_and_its_policy_where_there_are_several():
    plan = plan_conditions(CONDITIONS, samples=1)
    names = [plan.cell_id(life, 4) for life in range(3)]
    assert names == ["synthetic_eol500_p1_4", "synthetic_eol500_p2_4", "synthetic_eol900_4"]


def test_a_policy_is_kept_on_one_line():
    assert plan_grid([800], [50], " 3.6C(20%) -6C(80%)-\n1C ", 1).lives[0].policy == (
        "3.6C(20%) -6C(80%)- 1C"
    )


@pytest.mark.parametrize("samples", [0, -2])
def test_less_than_one_sample_is_refused(samples):
    with pytest.raises(SettingsError, match=rf"1 or more\. Received: samples={samples}\."):
        plan_grid([800], [50], "", samples)


def test_no_condition_is_refused():
    with pytest.raises(SettingsError, match="no condition to generate"):
        plan_grid([800], [], "", 1)


@pytest.mark.parametrize(("eol", "ecl", "name"), [(800, 0, "ECL"), (-3, 1, "EOL")])
def test_what_no_cell_can_have_is_refused(eol, ecl, name):
    with pytest.raises(ConditionError, match=rf"^{name} must be a whole number of cycles, 1 or"):
        plan_grid([eol], [ecl], "", 1)


def file_of(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "conditions.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_conditions_come_from_a_file(tmp_path):
    path = file_of(tmp_path, "ECL, eol ,policy\n3,900,\n\n7,5e2,4C(80%)-1C\n", "utf-8-sig")
    assert read_conditions(path) == [(900, 3, ""), (500, 7, "4C(80%)-1C")]
    plan = plan_of(None, None, None, str(path), samples=2)
    assert plan.lives == (Life(500, "4C(80%)-1C", (7,)), Life(900, "", (3,)))


def test_a_file_without_policy_is_enough(tmp_path):
    assert read_conditions(file_of(tmp_path, "eol,ecl\n800,1\n800,2\n")) == [
        (800, 1, ""),
        (800, 2, ""),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the first line must name the columns eol, ecl and, if wanted, policy"),
        ("eol\n800\n", "the first line must name the columns"),
        ("eol,ecl,age\n800,1,2\n", "Received: 'eol,ecl,age'"),
        ("eol,ecl,ecl\n800,1,2\n", "the first line must name the columns"),
        ("eol,ecl\n800\n", "line 2: has 1 values, expected 2"),
        ("eol,ecl\n800,1.5\n", "line 2, ecl must be a whole number of cycles. Received: 1.5."),
        ("eol,ecl\n800,1\n\n8e2,1.0\n", "line 4: is the same condition as line 2"),
    ],
)
def test_a_faulty_file_is_refused_with_its_line(tmp_path, text, told):
    path = file_of(tmp_path, text)
    with pytest.raises((SettingsError, ConditionError)) as caught:
        read_conditions(path)
    assert str(caught.value).startswith(f"--conditions {path}")
    assert told in str(caught.value)


def test_a_file_that_is_no_text_or_not_there_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="not a readable CSV file"):
        read_conditions(tmp_path / "none.csv")
    path = tmp_path / "bytes.csv"
    path.write_bytes(np.arange(256, dtype=np.uint8).tobytes())
    with pytest.raises(SettingsError, match="not a readable CSV file"):
        read_conditions(path)


def test_a_file_with_no_row_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="no condition to generate"):
        plan_of(None, None, None, str(file_of(tmp_path, "eol,ecl\n")), samples=1)
