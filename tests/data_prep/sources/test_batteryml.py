import json
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.end_of_life import EndOfLife, find_end_of_life
from data_prep.errors import SourceError
from data_prep.protocol import ChargeStep, parse_policy
from data_prep.records import DroppedCell
from data_prep.sources.base import SourceOptions
from data_prep.sources.batteryml import reader as batteryml
from tests.builders import read_cells


def step(rate=None, end_soc=None, **replaced):
    fields = dict.fromkeys(("current_in_A", "voltage_in_V", "power_in_W", "start_soc"))
    return {**fields, "rate_in_C": rate, "end_soc": end_soc, **replaced}


def cycle(number=1, **replaced):
    """Half an hour at 2 A into a cell of 4 Ah, then a discharge of 3 Ah."""
    fields = {
        "cycle_number": number,
        "current_in_A": [2.0, 2.0, 0.0, -6.0, -6.0],
        "voltage_in_V": [3.0, 3.6, 3.5, 3.3, 2.0],
        "charge_capacity_in_Ah": [0.0, 1.0, 1.0, 1.0, 1.0],
        "discharge_capacity_in_Ah": [0.0, 0.0, 0.0, 0.0, 3.0],
        "time_in_s": [0.0, 1800.0, 1860.0, 1861.0, 3661.0],
        "temperature_in_C": [25.0, 26.0, 26.0, 26.0, 28.0],
        "internal_resistance_in_ohm": None,
    }
    return fields | replaced


def facts(*cycles, **replaced):
    fields = {
        "cell_id": "c0",
        "cycle_data": list(cycles) or [cycle()],
        "nominal_capacity_in_Ah": 4.0,
        "max_voltage_limit_in_V": 3.6,
        "min_voltage_limit_in_V": 2.0,
        "charge_protocol": [step(0.5, 1.0)],
    }
    return fields | replaced


def write(folder, content, name="SNL_1.pkl"):
    path = folder / name
    path.write_bytes(pickle.dumps(content))
    return path


def only_cell(path, nominal_capacity_ah=None):
    (cell,) = read_cells(batteryml, [path], SourceOptions(nominal_capacity_ah))
    return cell


def all_cycles(cell):
    return list(cell.read_cycles(cell.last_cycle))


def test_a_cell_has_the_facts_of_its_file_and_its_name(tmp_path):
    cell = only_cell(write(tmp_path, facts()))
    assert (cell.cell_id, cell.source_file) == ("SNL_1", "SNL_1.pkl")
    assert (cell.nominal_capacity_ah, cell.max_voltage_v, cell.last_cycle) == (4.0, 3.6, 1)
    assert (cell.charge_policy, cell.eol_cycles, cell.notes) == ("0.5C", None, ())
    assert cell.discharge_capacity_ah == {1: 3.0}


def test_amperes_become_c_rate_and_other_series_keep_their_unit(tmp_path):
    (read,) = all_cycles(only_cell(write(tmp_path, facts())))
    assert read.number == 1
    assert_array_equal(read.time_s, [0.0, 1800.0, 1860.0, 1861.0, 3661.0])
    assert_array_equal(read.voltage_v, [3.0, 3.6, 3.5, 3.3, 2.0])
    assert_array_equal(read.current_c_rate, [0.5, 0.5, 0.0, -1.5, -1.5])
    assert_array_equal(read.temperature_degc, [25.0, 26.0, 26.0, 26.0, 28.0])
    assert_array_equal(read.charge_capacity_ah, [0.0, 1.0, 1.0, 1.0, 1.0])


def test_numpy_series_and_numpy_numbers_are_read(tmp_path):
    arrays = {name: np.array(v) for name, v in cycle().items() if isinstance(v, list)}
    content = facts(cycle(np.int64(1), **arrays), nominal_capacity_in_Ah=np.float64(4.0))
    (read,) = all_cycles(only_cell(write(tmp_path, content)))
    assert_array_equal(read.current_c_rate, [0.5, 0.5, 0.0, -1.5, -1.5])


def test_text_of_numpy_in_the_facts_does_not_refuse_a_cell(tmp_path):
    content = facts(description=np.str_("abc"), cell_id=np.str_("c0"), reference=np.array(["d"]))
    assert only_cell(write(tmp_path, content)).discharge_capacity_ah == {1: 3.0}


def test_a_series_of_numpy_text_is_refused_even_if_it_reads_as_numbers(tmp_path):
    path = write(tmp_path, facts(cycle(voltage_in_V=np.array(["3.0", "3.6"]))))
    with pytest.raises(SourceError, match=r"cycle 1: `voltage_in_V` must hold numbers alone"):
        all_cycles(only_cell(path))


def test_the_users_nominal_capacity_goes_before_that_of_the_file(tmp_path):
    cell = only_cell(write(tmp_path, facts()), nominal_capacity_ah=2.0)
    assert cell.nominal_capacity_ah == 2.0
    assert all_cycles(cell)[0].current_c_rate[0] == 1.0


@pytest.mark.parametrize("nominal", [None, 0, -1.1, float("nan"), "1.1", True, 10**400])
def test_a_file_without_a_nominal_capacity_needs_the_users(tmp_path, nominal):
    path = write(tmp_path, facts(nominal_capacity_in_Ah=nominal))
    with pytest.raises(SourceError, match=r"SNL_1\.pkl: `nominal_cap.*--nominal-capacity-ah"):
        only_cell(path)
    assert only_cell(path, nominal_capacity_ah=4.0).nominal_capacity_ah == 4.0


def test_cycles_are_read_up_to_the_last_one_asked_for(tmp_path):
    cell = only_cell(write(tmp_path, facts(cycle(1), cycle(3), cycle(4))))
    assert (cell.last_cycle, cell.cycle_numbers) == (4, (1, 3, 4))
    assert [read.number for read in cell.read_cycles(3)] == [1, 3]


@pytest.mark.parametrize(
    ("given", "numbers", "note"),
    [
        ([1, 2, 3], [1, 2, 3], None),
        ([3, 4, 5], [3, 4, 5], None),  # HUST leaves out the first two cycles of one cell.
        ([1.0, 2.0, 4.0], [1, 2, 4], None),
        ([0, 1, 2], [1, 2, 3], "`cycle_number` starts at 0: 1 is added to it"),
        ([1, 1, 2], [1, 2, 3], "`cycle_number` does not ascend: cycles numbered by their place"),
        ([3, 2, 1], [1, 2, 3], "`cycle_number` does not ascend: cycles numbered by their place"),
        ([None] * 3, [1, 2, 3], "cycles without `cycle_number`: numbered by their place"),
        ([1, 2.5, 3], [1, 2, 3], "cycles without `cycle_number`: numbered by their place"),
        ([-1, 0, 1], [1, 2, 3], "cycles without `cycle_number`: numbered by their place"),
        ([1, 2, 10**400], [1, 2, 3], "cycles without `cycle_number`: numbered by their place"),
    ],
)
def test_cycles_are_numbered_from_1_and_a_note_says_how(tmp_path, given, numbers, note):
    cell = only_cell(write(tmp_path, facts(*map(cycle, given))))
    assert [read.number for read in all_cycles(cell)] == numbers
    assert list(cell.discharge_capacity_ah) == numbers
    assert cell.notes == ((note,) if note else ())


def test_cycles_without_the_key_cycle_number_are_counted(tmp_path):
    unnumbered = {name: value for name, value in cycle().items() if name != "cycle_number"}
    assert only_cell(write(tmp_path, facts(unnumbered, unnumbered))).last_cycle == 2


def test_a_temperature_of_0_throughout_is_an_absent_channel(tmp_path):
    cold = cycle(temperature_in_C=[0] * 5)
    cell = only_cell(write(tmp_path, facts(cold, cold | {"cycle_number": 2})))
    assert [read.temperature_degc for read in all_cycles(cell)] == [None, None]
    assert cell.notes == ("temperature is 0 throughout: taken as not measured",)


def test_a_cycle_at_0_degc_of_a_cell_with_temperature_keeps_it(tmp_path):
    cell = only_cell(write(tmp_path, facts(cycle(temperature_in_C=[0.0] * 5), cycle(2))))
    assert_array_equal(all_cycles(cell)[0].temperature_degc, np.zeros(5))
    assert cell.notes == ()


@pytest.mark.parametrize("nothing", [None, [], np.zeros(0)])
def test_series_that_are_not_there_are_none_and_need_no_note(tmp_path, nothing):
    content = facts(cycle(temperature_in_C=nothing, charge_capacity_in_Ah=nothing))
    cell = only_cell(write(tmp_path, content))
    (read,) = all_cycles(cell)
    assert (read.temperature_degc, read.charge_capacity_ah, cell.notes) == (None, None, ())


@pytest.mark.parametrize("nothing", [None, []])
def test_an_empty_cycle_has_no_points_and_no_capacity(tmp_path, nothing):
    empty = dict.fromkeys([n for n, v in cycle().items() if isinstance(v, list)], nothing)
    cell = only_cell(write(tmp_path, facts(cycle(1, **empty), cycle(2))))
    assert [read.voltage_v.size for read in all_cycles(cell)] == [0, 5]
    assert cell.discharge_capacity_ah == {2: 3.0}


def test_series_of_unequal_length_and_missing_values_are_passed_on(tmp_path):
    content = facts(cycle(voltage_in_V=[3.0, None, 3.5], current_in_A=[2, float("nan")]))
    (read,) = all_cycles(only_cell(write(tmp_path, content)))
    assert_array_equal(read.voltage_v, [3.0, np.nan, 3.5])
    assert_array_equal(read.current_c_rate, [0.5, np.nan])


def test_the_discharge_capacity_is_the_largest_of_the_cycle(tmp_path):
    values = [0.0, None, 3.5, float("nan"), 3.1]
    content = facts(cycle(discharge_capacity_in_Ah=values), cycle(2, discharge_capacity_in_Ah=None))
    assert only_cell(write(tmp_path, content)).discharge_capacity_ah == {1: 3.5}


def discharged_to(last_v, number, capacity_ah):
    """A cycle that ends within its discharge, at a voltage."""
    voltage_v = [3.0, 3.6, 3.5, 3.3, last_v]
    capacities_ah = [0.0, 0.0, 0.0, 0.0, capacity_ah]
    return cycle(number, voltage_in_V=voltage_v, discharge_capacity_in_Ah=capacities_ah)


BROKEN_OFF = "last discharge not counted: the record ends in it"


@pytest.mark.parametrize("last_v", [3.1, 2.53])
def test_a_record_that_ends_inside_a_discharge_does_not_end_the_life_of_the_cell(tmp_path, last_v):
    # The others end at 2.5 V with 3.6 Ah and more; 80 % of 4 Ah are 3.2 Ah.
    whole = [discharged_to(2.5, number, 3.9 - 0.1 * number) for number in (1, 2, 3)]
    cell = only_cell(write(tmp_path, facts(*whole, discharged_to(last_v, 4, 1.5))))
    assert cell.discharge_capacity_ah == pytest.approx({1: 3.8, 2: 3.7, 3: 3.6})
    assert cell.notes == (BROKEN_OFF,)
    assert find_end_of_life(cell, 0.8, "drop").reason == "eol_not_reached"


@pytest.mark.parametrize("last_v", [2.51, 2.4])
def test_a_last_discharge_that_reaches_the_cut_off_of_the_others_counts(tmp_path, last_v):
    whole = [discharged_to(2.5, number, 3.9 - 0.1 * number) for number in (1, 2, 3)]
    cell = only_cell(write(tmp_path, facts(*whole, discharged_to(last_v, 4, 3.1))))
    assert cell.discharge_capacity_ah == pytest.approx({1: 3.8, 2: 3.7, 3: 3.6, 4: 3.1})
    assert cell.notes == ()
    assert find_end_of_life(cell, 0.8, "drop") == EndOfLife(4, "capacity")


def test_a_last_discharge_that_rests_behind_it_has_ended(tmp_path):
    last = discharged_to(3.1, 2, 1.5) | {"current_in_A": [2.0, 2.0, -6.0, -6.0, 0.0]}
    cell = only_cell(write(tmp_path, facts(discharged_to(2.5, 1, 3.8), last)))
    assert cell.discharge_capacity_ah == {1: 3.8, 2: 1.5}


@pytest.mark.parametrize(("limit_v", "expected"), [(2.5, {1: 3.8}), (2.0, {}), (None, {})])
def test_a_single_discharge_is_compared_with_the_limit_of_the_file(tmp_path, limit_v, expected):
    content = facts(discharged_to(2.5, 1, 3.8), min_voltage_limit_in_V=limit_v)
    cell = only_cell(write(tmp_path, content))
    assert cell.discharge_capacity_ah == expected
    assert cell.notes == (() if expected else (BROKEN_OFF,))


def test_a_cell_without_cycles_is_dropped(tmp_path):
    dropped = only_cell(write(tmp_path, facts() | {"cycle_data": []}))
    assert dropped == DroppedCell("SNL_1", "SNL_1.pkl", "no_cycles", "its `cycle_data` is empty")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ([1, 2], r"expected a dict with a list `cycle_data`, found list"),
        ({"V": [3.0], 7: 1}, r"`cycle_data`, found 'V', 7\. Write"),
        ({"cycle_data": {}}, r"found 'cycle_data'"),
        (facts([1.0]), r"entry 1 of `cycle_data`: expected a dict, found list"),
        (facts(cycle(), {"V": [3.0]}), r"entry 2 of `cycle_data`: expected `time_in_s`, found 'V'"),
        (facts(cycle(8, voltage_in_V=["high"])), r"cycle 8: `voltage_in_V` must hold numbers"),
        (facts(cycle(8, voltage_in_V=3.3)), r"cycle 8: `voltage_in_V` must be a series"),
        (facts(cycle(8, voltage_in_V="3.3")), r"cycle 8: `voltage_in_V` must be a series"),
        (facts(cycle(8, voltage_in_V=[[3.0]] * 3)), r"cycle 8: `voltage_in_V` must hold numbers"),
        (facts(cycle(8, voltage_in_V=[10**400])), r"cycle 8: `voltage_in_V` must be a series"),
        (facts(cycle(8, voltage_in_V=np.eye(2))), r"cycle 8: `voltage_in_V` must be a series"),
    ],
)
def test_another_layout_is_refused_with_the_cycle(tmp_path, content, match):
    path = write(tmp_path, content)
    with pytest.raises(SourceError, match=rf"SNL_1\.pkl.*{match}"):
        all_cycles(only_cell(path))


def test_a_pickle_that_imports_is_refused(tmp_path):
    path = write(tmp_path, facts(cycle(1, reader=print)))
    with pytest.raises(SourceError, match=r"SNL_1\.pkl: wants to import builtins\.print"):
        only_cell(path)


@pytest.mark.parametrize(
    ("protocol", "policy", "steps"),
    [
        ([step(1.0, 1.0)], "1C", [(1.0, 1.0)]),
        ([step(0.5)], "0.5C", [(0.5, 1.0)]),
        ([step(0.5, 0.8, start_soc=0.2)], "0.5C", [(0.5, 1.0)]),  # SNL, cycled from 20 to 80 %.
        ([step(current_in_A=2.0)], "0.5C", [(0.5, 1.0)]),
        (
            [step(5.0, 0.8), step(1.0, end_voltage_in_V=3.6), step(voltage_in_V=3.6, end_soc=1.0)],
            "5C(80%)-1C",
            [(5.0, 0.8), (1.0, 1.0)],
        ),
        ([step(2.0, 0.5), step(1.0, 1.0)], "2C(50%)-1C(100%)", [(2.0, 0.5), (1.0, 1.0)]),
        (
            [
                step(4.8, 0.2),
                step(5.2, 0.4),
                step(5.6, 0.6000000000000001),
                step(4.3, 0.8),
                step(1),
            ],
            "4.8C(20%)-5.2C(40%)-5.6C(60%)-4.3C(80%)-1C",
            [(4.8, 0.2), (5.2, 0.4), (5.6, 0.6), (4.3, 0.8), (1.0, 1.0)],
        ),
    ],
)
def test_a_protocol_with_rates_becomes_a_policy(tmp_path, protocol, policy, steps):
    cell = only_cell(write(tmp_path, facts(charge_protocol=protocol)))
    assert cell.charge_policy == policy
    assert parse_policy(policy) == tuple(ChargeStep(*pair) for pair in steps)


@pytest.mark.parametrize(
    "protocol",
    [
        "multi",
        0.5,
        [step(power_in_W=5.0)],
        [step(1.0), step(0.5, 1.0)],
        [step(0, 1.0)],
        [step("fast")],
        [step(10**400)],
        ["1C"],
    ],
)
def test_a_protocol_without_rates_is_said_to_be_unknown(tmp_path, protocol):
    cell = only_cell(write(tmp_path, facts(charge_protocol=protocol)))
    assert cell.charge_policy is None
    assert cell.notes == ("`charge_protocol` gives no rates: policy unknown",)


@pytest.mark.parametrize("protocol", [None, []])
def test_no_protocol_needs_no_note(tmp_path, protocol):
    cell = only_cell(write(tmp_path, facts(charge_protocol=protocol)))
    assert (cell.charge_policy, cell.notes) == (None, ())


def labels(folder, content, name="SNL_labels.json"):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))


@pytest.mark.parametrize("place", [".", "../Life labels", "../Life_labels"])
def test_life_labels_give_the_end_of_life(tmp_path, place):
    folder = tmp_path / "SNL"
    labels(folder, {}, "other.json")
    labels(folder / place, {"SNL_1.pkl": 712, "SNL_2.pkl": None})
    cells = [only_cell(write(folder, facts(), name)) for name in ("SNL_1.pkl", "SNL_2.pkl")]
    assert [cell.eol_cycles for cell in cells] == [712, None]
    assert [cell.notes for cell in cells] == [("end of life from SNL_labels.json",), ()]


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("{", "cannot be read as JSON"),
        ("[" * 5000, "cannot be read as JSON"),
        ([1], "expected lives in cycles by name of the pickle, found list"),
        ({"a.pkl": "712"}, r"the life of a\.pkl must be a whole number.*Received: '712'"),
        ({"a.pkl": 0}, r"Received: 0\."),
        ({"a.pkl": 2.5}, r"Received: 2\.5\."),
        ({"a.pkl": float("nan")}, r"Received: nan\."),
        ({"a.pkl": True}, r"Received: True\."),
        ({"a.pkl": 10**400}, r"Received: int\."),
    ],
)
def test_damaged_life_labels_are_refused(tmp_path, content, match):
    labels(tmp_path, content)
    with pytest.raises(SourceError, match=rf"SNL_labels\.json: .*{match}"):
        only_cell(write(tmp_path, facts()))


def test_life_labels_that_contradict_one_another_are_refused(tmp_path):
    labels(tmp_path, {"SNL_1.pkl": 712}, "a_labels.json")
    labels(tmp_path, {"SNL_1.pkl": 712}, "b_labels.json")
    path = write(tmp_path, facts())
    assert only_cell(path).eol_cycles == 712
    labels(tmp_path, {"SNL_1.pkl": 713}, "c_labels.json")
    with pytest.raises(SourceError, match=r"c_labels\.json: gives SNL_1\.pkl a life of 713"):
        only_cell(path)


def test_files_are_found_in_order_and_no_pickle_is_opened(tmp_path):
    for name in ("b.pkl", "a.PICKLE", "SNL_labels.json"):
        (tmp_path / name).write_text("{}")
    files = batteryml.find_files(tmp_path)
    assert [path.name for path in files] == ["a.PICKLE", "b.pkl"]
    places = list(batteryml.list_cells(files, SourceOptions()))
    assert [place.cell_id for place in places] == ["a", "b"]


def test_a_folder_without_pickles_is_refused(tmp_path):
    with pytest.raises(SourceError, match="holds no BatteryML or BatteryLife pickles"):
        batteryml.find_files(tmp_path)


@pytest.fixture(scope="module")
def calb(shared_data):
    (cell,) = read_cells(batteryml, batteryml.find_files(shared_data / "batteryml"))
    return cell


def test_real_calb_cell_has_its_facts(calb):
    assert (calb.cell_id, calb.source_file) == ("CALB_0_B183", "CALB_0_B183.pkl")
    assert (calb.nominal_capacity_ah, calb.max_voltage_v, calb.last_cycle) == (58.0, 4.35, 100)
    assert (calb.charge_policy, calb.eol_cycles) == ("1C", None)


def test_real_calb_temperature_of_0_is_an_absent_channel(calb):
    assert all(read.temperature_degc is None for read in calb.read_cycles(100))
    assert calb.notes == ("temperature is 0 throughout: taken as not measured",)


def test_real_calb_cycles_have_their_numbers_of_points(calb):
    sizes = [read.time_s.size for read in calb.read_cycles(100)]
    assert (len(sizes), sizes[:5], sizes[-3:]) == (100, [1280, 313, 310, 309, 308], [303, 303, 302])
    assert sum(sizes) == 31562


def test_real_calb_clock_wraps_at_midnight_in_11_cycles(calb):
    wraps = [
        (read.number, float(step_s))
        for read in calb.read_cycles(100)
        for step_s in np.diff(read.time_s)
        if step_s < 0
    ]
    assert [number for number, _ in wraps] == [1, 9, 18, 28, 37, 47, 56, 65, 75, 84, 94]
    # 30 to 32 s between samples, 24 h back.
    assert {step_s + 86400.0 for _, step_s in wraps} == {30.0, 31.0, 32.0}


def test_real_calb_discharge_precedes_the_charge_and_counts_as_charge_capacity(calb):
    (first,) = calb.read_cycles(1)
    current_c_rate, capacity_ah = first.current_c_rate, first.charge_capacity_ah
    assert_array_equal(np.flatnonzero(current_c_rate < 0), np.arange(960, 1065))
    assert_array_equal(np.flatnonzero(current_c_rate > 0), np.arange(1085, 1260))
    assert_allclose(current_c_rate[[960, 1085]], [-1.0006188, 1.0007226], atol=2e-4)
    # Of the discharge, of the rest after it, of the charge.
    assert_array_equal(capacity_ah[[1064, 1065, 1085, 1259]], [50.3262, 0.0, 0.48207, 49.72452])


def test_real_calb_discharge_capacities_and_the_end_of_life_by_threshold(calb):
    capacities_ah = calb.discharge_capacity_ah
    assert len(capacities_ah) == 100
    known = {1: 50.3262, 2: 49.15666, 3: 48.74973, 100: 45.44198}
    assert {number: capacities_ah[number] for number in known} == known
    # 46.4 Ah are 80 % of 58.
    assert capacities_ah[74] > 46.4 > capacities_ah[75]
    assert find_end_of_life(calb, 0.8, "drop") == EndOfLife(75, "capacity")


def test_no_temperature_is_taken_where_the_user_asks_for_none(tmp_path):
    options = SourceOptions(temperature_column="none")
    (cell,) = read_cells(batteryml, [write(tmp_path, facts())], options)
    assert all_cycles(cell)[0].temperature_degc is None


def test_labels_beside_the_pickles_are_the_side_files(tmp_path):
    (tmp_path / "Life labels").mkdir()
    (tmp_path / "cells").mkdir()
    path = write(tmp_path / "cells", facts())
    beside = tmp_path / "Life labels" / "SNL_labels.json"
    within = tmp_path / "cells" / "more_labels.json"
    for label in (beside, within):
        label.write_text(json.dumps({}))
    assert batteryml.side_files([path, path]) == [beside, within]
    assert batteryml.side_files([write(tmp_path, facts())]) == []
