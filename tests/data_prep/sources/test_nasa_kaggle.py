import numpy as np
import pytest
from numpy.testing import assert_array_equal

from data_prep.end_of_life import find_end_of_life
from data_prep.errors import SourceError
from data_prep.records import DroppedCell
from data_prep.sources.base import CellPlace, SourceOptions
from data_prep.sources.nasa import reader as nasa
from tests.builders import read_cells

HEADER = "type,start_time,ambient_temperature,battery_id,test_id,uid,filename,Capacity,Re,Rct"
CURVES = (
    "Voltage_measured,Current_measured,Temperature_measured,Current_charge,Voltage_charge,Time\n"
    "3.3,1.5,24.0,1.5,4.5,0.0\n3.9,1.0,25.0,1.0,4.5,10.0\n4.2,0.25,26.5,0.2,4.5,20.0\n"
)

LACKS = "metadata.csv lacks records of the cell: its cycles count the charges that are there"


def row(kind, test_id, name, capacity="", cell_id="B0099"):
    return f"{kind},[2008. 4. 2.],24,{cell_id},{test_id},7,{name},{capacity},,"


def write(folder, rows, curves=None, header=HEADER):
    """A table, and a file for every name in `curves`; for every charge where that is None."""
    (folder / "data").mkdir(exist_ok=True)
    (folder / "metadata.csv").write_text("\n".join([header, *rows]) + "\n")
    if curves is None:
        charges = [line.split(",") for line in rows if line.startswith("charge")]
        curves = {values[6]: CURVES for values in charges}
    for name, content in curves.items():
        (folder / "data" / name).write_text(content)
    return folder


def read(folder, nominal_capacity_ah=None):
    return list(read_cells(nasa, nasa.find_files(folder), SourceOptions(nominal_capacity_ah)))


def all_cycles(cell):
    return list(cell.read_cycles(cell.last_cycle))


TWO_CHARGES = [
    row("charge", 0, "1.csv"),
    row("discharge", 1, "2.csv", 1.85),
    row("charge", 2, "3.csv"),
]


def test_a_cell_is_its_rows_of_the_table(tmp_path):
    (cell,) = read(write(tmp_path, TWO_CHARGES))
    assert (cell.cell_id, cell.source_file, cell.last_cycle) == ("B0099", "metadata.csv", 2)
    assert (cell.nominal_capacity_ah, cell.max_voltage_v) == (2.0, 4.2)
    assert (cell.charge_policy, cell.notes) == ("0.75C", ())
    assert cell.discharge_capacity_ah == {1: 1.85}
    assert cell.cycle_numbers is None


def test_amperes_become_c_rate_and_other_series_keep_their_unit(tmp_path):
    (cell,) = read(write(tmp_path, TWO_CHARGES), nominal_capacity_ah=2.5)
    cycle = all_cycles(cell)[0]
    assert_array_equal(cycle.time_s, [0.0, 10.0, 20.0])
    assert_array_equal(cycle.voltage_v, [3.3, 3.9, 4.2])
    assert_array_equal(cycle.current_c_rate, [0.6, 0.4, 0.1])
    assert_array_equal(cycle.temperature_degc, [24.0, 25.0, 26.5])
    assert cycle.charge_capacity_ah is None


def test_no_temperature_is_taken_where_the_user_asks_for_none(tmp_path):
    files = nasa.find_files(write(tmp_path, TWO_CHARGES))
    (cell,) = read_cells(nasa, files, SourceOptions(temperature_column="none"))
    assert all_cycles(cell)[0].temperature_degc is None


def test_charges_are_counted_by_their_test_id_as_a_number(tmp_path):
    later = CURVES.replace("0.0\n", "5.0\n", 1)
    rows = [row("charge", 10, "b.csv"), row("impedance", 9, "c.csv"), row("charge", 8, "a.csv")]
    (cell,) = read(write(tmp_path, rows, {"a.csv": CURVES, "b.csv": later}))
    first, second = all_cycles(cell)
    assert (first.number, first.time_s[0]) == (1, 0.0)
    assert (second.number, second.time_s[0]) == (2, 5.0)


def test_cells_come_by_name_with_their_own_capacities(tmp_path):
    rows = [
        row("charge", 0, "1.csv", cell_id="B0006"),
        row("charge", 0, "2.csv", cell_id="B0005"),
        row("discharge", 1, "3.csv", 1.7, cell_id="B0006"),
        row("discharge", 1, "4.csv", 1.8, cell_id="B0005"),
    ]
    cells = read(write(tmp_path, rows))
    assert [cell.cell_id for cell in cells] == ["B0005", "B0006"]
    assert [cell.discharge_capacity_ah for cell in cells] == [{1: 1.8}, {1: 1.7}]


@pytest.mark.parametrize("capacity", ["", "[]", "nan"])
def test_discharges_without_a_capacity_give_no_entry(tmp_path, capacity):
    rows = [row("charge", 0, "1.csv"), row("discharge", 1, "2.csv", capacity)]
    (cell,) = read(write(tmp_path, rows))
    assert cell.discharge_capacity_ah == {}


def test_a_charge_without_its_file_keeps_its_number_and_is_said(tmp_path):
    rows = [row("charge", k, f"{k}.csv") for k in range(8)]
    (cell,) = read(write(tmp_path, rows, {"2.csv": CURVES, "7.csv": CURVES}))
    assert [cycle.number for cycle in all_cycles(cell)] == [3, 8]
    assert (cell.last_cycle, cell.cycle_numbers, cell.num_cycles(7)) == (8, (3, 8), 1)
    note = "6 of 8 charges in metadata.csv have no file: cycles 1, 2, 4, 5, 6 ..."
    assert cell.notes == (note,)


def test_records_that_the_table_lacks_are_said(tmp_path):
    rows = [row("charge", 0, "1.csv"), row("charge", 9, "2.csv")]
    (cell,) = read(write(tmp_path, rows))
    assert cell.notes == (LACKS,)


def test_a_table_whose_files_are_elsewhere_is_refused(tmp_path):
    with pytest.raises(SourceError, match=r"names 2 charges, of which no file lies in \S*data"):
        read(write(tmp_path, TWO_CHARGES, {}))


def test_a_cell_without_a_charge_is_dropped(tmp_path):
    rows = [row("charge", 0, "1.csv"), row("impedance", 0, "2.csv", cell_id="B0100")]
    _, dropped = read(write(tmp_path, rows))
    detail = "none of its 1 records is a charge"
    assert dropped == DroppedCell("B0100", "metadata.csv", "no_charges", detail)


def test_missing_values_are_passed_on_and_a_header_alone_is_no_sample(tmp_path):
    header, first, *_ = CURVES.splitlines(keepends=True)
    gap = header + first + ",,,,,10.0\n"
    (cell,) = read(write(tmp_path, TWO_CHARGES, {"1.csv": gap, "3.csv": header}))
    one, none = all_cycles(cell)
    assert_array_equal(one.voltage_v, [3.3, np.nan])
    assert none.time_s.shape == (0,)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("", r"3\.csv: expected names of columns in the first line"),
        (CURVES.replace("Time", "Minutes"), r"3\.csv: the column Time is missing"),
        (CURVES + "high,1,24,1,4,30\n", r"3\.csv, data row 4: `Voltage_measured` must be a number"),
        (CURVES + "1,2,3,4,5,6,7,8\n", r"3\.csv: cannot be read as a comma-separated table"),
    ],
)
def test_a_damaged_charge_names_its_file(tmp_path, content, match):
    (cell,) = read(write(tmp_path, TWO_CHARGES, {"1.csv": CURVES, "3.csv": content}))
    with pytest.raises(SourceError, match=match):
        all_cycles(cell)


@pytest.mark.parametrize(
    ("line", "match"),
    [
        (row("charge", "x", "9.csv"), r"line 5: `test_id` must be a whole number\. .*'x'"),
        (row("charge", -1, "9.csv"), r"line 5: `test_id` must be a whole number\. .*'-1'"),
        (row("charge", 3, ""), r"line 5: expected a `battery_id` and the plain name"),
        (row("charge", 3, "9.csv", cell_id=""), r"line 5: expected a `battery_id`"),
        (row("charge", 3, "../../9.csv"), r"line 5: .*filename='\.\./\.\./9\.csv'"),
        (row("charge", 3, "1.csv"), r"line 5: 1\.csv is also in line 2"),
        (row("discharge", 3, "9.csv", "much"), r"line 5: `Capacity` must be a number\. .*'much'"),
        (row("charge", 3, "9.csv") + ",,9", r"line 5: has more values than the header"),
    ],
)
def test_a_damaged_row_names_its_line(tmp_path, line, match):
    curves = {"1.csv": CURVES, "3.csv": CURVES}
    folder = write(tmp_path, [*TWO_CHARGES, line], curves)
    with pytest.raises(SourceError, match=rf"metadata\.csv, {match}"):
        nasa.find_files(folder)


@pytest.mark.parametrize(
    ("header", "rows", "match"),
    [
        (HEADER.replace("type", "kind"), TWO_CHARGES, "expected the column type, found kind"),
        (HEADER, [], "expected rows under its header"),
    ],
)
def test_another_table_is_refused(tmp_path, header, rows, match):
    with pytest.raises(SourceError, match=rf"metadata\.csv: {match}"):
        nasa.find_files(write(tmp_path, rows, header=header))


def test_mat_files_and_the_table_beside_them_are_both_read(tmp_path):
    (write(tmp_path, TWO_CHARGES) / "B0005.mat").touch()
    files = nasa.find_files(tmp_path)
    assert [path.name for path in files] == ["B0005.mat", "metadata.csv", "1.csv", "3.csv"]
    places = list(nasa.list_cells(files, SourceOptions()))
    assert [place.cell_id for place in places] == ["B0005", "B0099"]


def test_tables_in_folders_within_are_not_read(tmp_path):
    (tmp_path / "kaggle").mkdir()
    write(tmp_path / "kaggle", TWO_CHARGES)
    (tmp_path / "B0005.mat").touch()
    assert [path.name for path in nasa.find_files(tmp_path)] == ["B0005.mat"]


@pytest.mark.parametrize("place", ["", "metadata.csv"])
def test_the_folder_or_the_table_may_be_given(tmp_path, place):
    files = nasa.find_files(write(tmp_path, TWO_CHARGES) / place)
    assert [path.name for path in files] == ["metadata.csv", "1.csv", "3.csv"]


@pytest.fixture(scope="module")
def real_cells(shared_data):
    files = nasa.find_files(shared_data / "nasa" / "kaggle")
    assert len(files) == 18
    return {cell.cell_id: cell for cell in read_cells(nasa, files, SourceOptions())}


def test_real_places_are_listed_without_reading_a_charge(shared_data):
    files = nasa.find_files(shared_data / "nasa" / "kaggle")
    places = list(nasa.list_cells(files[:1], SourceOptions()))
    assert all(isinstance(place, CellPlace) for place in places)
    assert [place.cell_id for place in places] == ["B0005", "B0018"]


def test_real_charges_have_their_numbers_of_points(real_cells):
    sizes = {name: [c.time_s.size for c in all_cycles(cell)] for name, cell in real_cells.items()}
    assert sizes["B0018"] == [2816, 993]
    assert sizes["B0005"][:6] == [789, 940, 937, 933, 582, 3826]
    assert sizes["B0005"][6:] == [3813, 3869, 3853, 3602, 3700, 3634, 3492, 3604, 5]


def test_real_holes_of_the_subset_are_said(real_cells):
    assert [cell.notes for cell in real_cells.values()] == [(LACKS,), (LACKS,)]


def test_real_capacities_are_of_the_discharge_that_follows(real_cells):
    capacities_ah = real_cells["B0005"].discharge_capacity_ah
    assert list(capacities_ah) == list(range(1, 15))
    assert (capacities_ah[1], capacities_ah[4]) == (1.8564874208181574, 1.8470259949329193)
    assert (capacities_ah[7], capacities_ah[8]) == (1.7003110272642588, 1.5747301747801037)
    assert find_end_of_life(real_cells["B0005"], 0.8, "drop").cycles == 8
    assert real_cells["B0018"].discharge_capacity_ah == {}


def test_real_spike_of_8_volts_is_in_a_charge_that_takes_nothing(real_cells):
    cycle = all_cycles(real_cells["B0005"])[4]
    spikes = np.flatnonzero(cycle.voltage_v > 4.3)
    assert spikes.tolist() == [0, 2, 3, 4]
    assert abs(float(cycle.voltage_v.max()) - 8.393141180564633) < 1e-12
    charged_ah = np.sum(2.0 * np.clip(cycle.current_c_rate[1:], 0, None) * np.diff(cycle.time_s))
    assert charged_ah / 3600.0 < 0.01


def test_real_charge_of_5_samples_never_charges(real_cells):
    last = all_cycles(real_cells["B0005"])[-1]
    assert (last.number, last.time_s.size) == (15, 5)
    assert np.abs(2.0 * last.current_c_rate).max() < 0.005


def test_real_nan_is_in_three_series_of_one_charge(real_cells):
    first, second = all_cycles(real_cells["B0018"])
    assert np.isfinite(first.voltage_v).all()
    for series in (second.voltage_v, second.current_c_rate, second.temperature_degc):
        assert np.flatnonzero(np.isnan(series)).tolist() == [940, 991]
    assert np.isfinite(second.time_s).all()


def test_real_charges_begin_with_a_sample_of_leftover_discharge(real_cells):
    lowest_a = [2.0 * np.min(c.current_c_rate[:3]) for c in all_cycles(real_cells["B0005"])]
    assert max(lowest_a[:-1]) < -3.0
    assert min(lowest_a) == pytest.approx(-4.47966, abs=1e-5)
