"""MATR files that are damaged, hostile or of another layout: one line each, and nothing else."""

import random
import warnings

import numpy as np
import pytest

from data_prep.errors import SourceError
from data_prep.records import DroppedCell
from data_prep.sources import matr
from data_prep.sources.base import UNREADABLE, SourceOptions
from data_prep.sources.matr import hdf5
from data_prep.sources.matr.layout import CYCLE_FIELDS
from tests.builders import matr_cell, read_cells, write_matr_like

h5py = pytest.importorskip("h5py")
PARTS = ["cycles", "summary", "cycle_life", "policy_readable"]


@pytest.fixture
def one_cell_file(tmp_path):
    return write_matr_like(tmp_path / "lab.mat", [matr_cell()])


def read_all(path):
    """Every series of every cell."""
    for cell in read_cells(matr, [path], SourceOptions()):
        if isinstance(cell, DroppedCell):
            raise SourceError(cell.detail)
        list(cell.read_cycles(cell.last_cycle))


def refusal(path):
    """The one line that a file is refused with."""
    with pytest.raises(SourceError) as caught:
        read_all(path)
    line = str(caught.value)
    assert line.startswith(str(path))
    assert line.isprintable()
    assert line.endswith((".", ""))
    return line.removeprefix(str(path))


def replace_part(path, name, make):
    """Puts another thing behind the reference of the cell in `batch/<name>`."""
    with h5py.File(path, "r+") as file:
        file["batch"][name][0, 0] = make(file).ref


def replace_series(path, name, make, index=1):
    """Puts another thing behind the reference of a cycle's series."""
    with h5py.File(path, "r+") as file:
        file[file["batch/cycles"][0, 0]][name][index, 0] = make(file).ref


def test_a_file_of_text(tmp_path):
    path = tmp_path / "lab.mat"
    path.write_text("voltage,current\n" * 20)
    assert refusal(path).startswith(": not a readable MATLAB v7.3 (HDF5) file: it is of another")


def test_an_empty_file(tmp_path):
    path = tmp_path / ".mat"
    path.touch()
    assert refusal(path).startswith(": not a readable MATLAB v7.3 (HDF5) file: it is empty.")


def test_a_file_of_matlab_v5(tmp_path):
    path = tmp_path / "lab.mat"
    path.write_bytes(b"MATLAB 5.0 MAT-file, Platform: GLNXA64".ljust(256))
    assert refusal(path) == (
        ": is a MATLAB v5 file, expected MATLAB v7.3 (HDF5) as MATR publishes it. "
        "Save it with -v7.3, or give --source nasa if it is one of NASA's."
    )


def test_a_file_that_is_gone_or_not_to_be_read(tmp_path):
    assert refusal(tmp_path / "lab.mat").startswith(
        ": cannot be opened (No such file or directory)"
    )


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_file(one_cell_file, share):
    content = one_cell_file.read_bytes()
    one_cell_file.write_bytes(content[: int(share * len(content))])
    assert "or truncated. Download it again" in refusal(one_cell_file)


def test_an_unreadable_file_is_dropped_and_the_next_one_read(one_cell_file, tmp_path):
    bad = tmp_path / "bad.mat"
    bad.touch()
    dropped, cell = read_cells(matr, [bad, one_cell_file], SourceOptions())
    assert (dropped.cell_id, dropped.source_file, dropped.reason) == ("bad", "bad.mat", UNREADABLE)
    assert cell.cell_id == "lab_c0"


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ([], "nothing"),
        (["voltage", "current"], "current, voltage"),
        (["two\nlines"], "'two\\nlines'"),
        ([f"v{k:02}" for k in range(12)], ", ".join(f"v{k:02}" for k in range(10)) + " and 2 more"),
    ],
)
def test_a_file_without_a_batch_names_what_it_has(tmp_path, names, found):
    path = tmp_path / "lab.mat"
    with h5py.File(path, "w") as file:
        for name in names:
            file[name] = 1.0
    assert refusal(path).startswith(f": the file has no `batch`; found {found}. Expected the layo")


def test_a_batch_that_is_a_number(tmp_path):
    with h5py.File(tmp_path / "lab.mat", "w") as file:
        file["batch"] = 3.0
    assert refusal(tmp_path / "lab.mat").startswith(": batch has no `cycles`; found nothing.")


@pytest.mark.parametrize("name", PARTS)
def test_a_batch_without_a_part(one_cell_file, name):
    with h5py.File(one_cell_file, "r+") as file:
        del file["batch"][name]
    assert refusal(one_cell_file).startswith(f": batch has no `{name}`; found ")


@pytest.mark.parametrize("name", PARTS[1:])
def test_a_part_that_is_a_group_while_cycles_is_a_column(one_cell_file, name):
    with h5py.File(one_cell_file, "r+") as file:
        del file["batch"][name]
        file["batch"].create_group(name)
    assert f": `batch/{name}` is no column of references." in refusal(one_cell_file)


@pytest.mark.parametrize("name", PARTS)
def test_numbers_where_references_are_expected(one_cell_file, name):
    with h5py.File(one_cell_file, "r+") as file:
        del file["batch"][name]
        file["batch"][name] = np.array([[1.0]])
    assert f": `batch/{name}` is no column of references." in refusal(one_cell_file)


def test_a_matrix_of_references(one_cell_file):
    with h5py.File(one_cell_file, "r+") as file:
        column = np.array([[file["batch/cycles"][0, 0]] * 2] * 3, dtype=h5py.ref_dtype)
        del file["batch/cycles"]
        file["batch"].create_dataset("cycles", data=column, dtype=h5py.ref_dtype)
    assert ": `batch/cycles` is 3 x 2, expected a row." in refusal(one_cell_file)


def test_parts_for_fewer_cells_than_there_are(tmp_path):
    path = write_matr_like(tmp_path / "lab.mat", [matr_cell(), matr_cell()])
    with h5py.File(path, "r+") as file:
        column = file["batch/summary"][:1]
        del file["batch/summary"]
        file["batch"].create_dataset("summary", data=column, dtype=h5py.ref_dtype)
    assert ": `batch/summary` has 1 entries, expected 2 or more." in refusal(path)


@pytest.mark.parametrize("name", PARTS)
def test_a_reference_of_a_cell_that_leads_nowhere(one_cell_file, name):
    with h5py.File(one_cell_file, "r+") as file:
        file["batch"][name][0, 0] = h5py.Reference()
    line = refusal(one_cell_file)
    assert line.startswith(f": `{name}` of cell 0 is missing: its reference leads nowhere.")


@pytest.mark.parametrize("name", CYCLE_FIELDS)
def test_a_cell_without_a_series(one_cell_file, name):
    with h5py.File(one_cell_file, "r+") as file:
        del file[file["batch/cycles"][0, 0]][name]
    assert refusal(one_cell_file).startswith(f": lab_c0 has no `{name}`; found ")


@pytest.mark.parametrize("thing", ["group", "scalar", "numbers"])
def test_a_series_that_is_no_column(one_cell_file, thing):
    with h5py.File(one_cell_file, "r+") as file:
        cycles = file[file["batch/cycles"][0, 0]]
        scalar = cycles["I"][1, 0]
        del cycles["I"]
        if thing == "group":
            cycles.create_group("I")
        elif thing == "scalar":
            cycles.create_dataset("I", data=scalar, dtype=h5py.ref_dtype)
        else:
            cycles["I"] = np.ones((3, 1))
    expected = "is a single value, expected a row" if thing == "scalar" else "is no column of ref"
    assert refusal(one_cell_file).startswith(f": lab_c0: `I` {expected}")


def test_series_with_unequal_numbers_of_cycles(one_cell_file):
    with h5py.File(one_cell_file, "r+") as file:
        cycles = file[file["batch/cycles"][0, 0]]
        fewer = cycles["V"][:2]
        del cycles["V"]
        cycles.create_dataset("V", data=fewer, dtype=h5py.ref_dtype)
    line = refusal(one_cell_file)
    assert ": lab_c0: series with unequal numbers of cycles: t 3, V 2, I 3, T 3, Qc 3; " in line


def test_a_cell_without_discharge_capacities(one_cell_file):
    with h5py.File(one_cell_file, "r+") as file:
        del file[file["batch/summary"][0, 0]]["QDischarge"]
    assert refusal(one_cell_file).startswith(": lab_c0 has no `QDischarge`; found nothing.")


def test_a_cell_whose_cycles_are_an_array(one_cell_file):
    replace_part(one_cell_file, "cycles", lambda file: file.create_dataset("x", data=[[1.0]]))
    assert refusal(one_cell_file).startswith(": lab_c0 has no `t`; found nothing.")


def test_discharge_capacities_that_are_a_group(one_cell_file):
    with h5py.File(one_cell_file, "r+") as file:
        summary = file[file["batch/summary"][0, 0]]
        del summary["QDischarge"]
        summary.create_group("QDischarge")
    assert refusal(one_cell_file).startswith(": lab_c0: `QDischarge` is no array, expected a row")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([[500.5]], "must be one whole number of cycles, 1000000 or less. Received: cycle_life=50"),
        ([[-3.0]], "must be one whole number of cycles, 1000000 or less. Received: cycle_life=-3"),
        ([[1e9]], "must be one whole number of cycles, 1000000 or less. Received: cycle_life=1e+"),
        ([[1.0, 2.0]], "must be one whole number of cycles, 1000000 or less. Received: cycle_li"),
        (np.array([b"741"]), "holds no real numbers, expected a row of them."),
    ],
)
def test_a_life_that_no_cell_has(one_cell_file, values, said):
    replace_part(one_cell_file, "cycle_life", lambda file: file.create_dataset("x", data=values))
    assert refusal(one_cell_file).startswith(f": lab_c0: `cycle_life` {said}")


@pytest.mark.parametrize("name", ["cycle_life", "policy_readable"])
def test_a_fact_that_is_a_group(one_cell_file, name):
    replace_part(one_cell_file, name, lambda file: file["batch"])
    assert refusal(one_cell_file).startswith(f": lab_c0: `{name}` is no array, expected a row")


@pytest.mark.parametrize("units", [np.array([[5.4]]), np.array([[0xD800]], np.uint16)])
def test_a_policy_that_is_no_text(one_cell_file, units):
    replace_part(
        one_cell_file, "policy_readable", lambda file: file.create_dataset("x", data=units)
    )
    assert refusal(one_cell_file).startswith(": lab_c0: `policy_readable` ")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.ones((1, 21), complex), "holds no real numbers"),
        (np.array([[b"3.3"] * 21]), "holds no real numbers"),
        (np.ones((3, 5)), "is 3 x 5, expected a row"),
        (np.float64(3.3), "is a single value, expected a row"),
    ],
)
def test_a_series_that_is_no_row_of_real_numbers(one_cell_file, values, said):
    replace_series(one_cell_file, "V", lambda file: file.create_dataset("x", data=values))
    assert refusal(one_cell_file).startswith(f": lab_c0 cycle 1: `V` {said}")


def replace_all_series(path, values=None, **declared):
    with h5py.File(path, "r+") as file:
        made = file.create_dataset("x", data=values, **declared)
        cycles = file[file["batch/cycles"][0, 0]]
        for name in CYCLE_FIELDS:
            cycles[name][1, 0] = made.ref


def test_a_cycle_of_matrices(one_cell_file):
    replace_all_series(one_cell_file, np.ones((3, 7)))
    assert refusal(one_cell_file).startswith(": lab_c0 cycle 1: `t` is 3 x 7, expected a row.")


def test_one_value_more_than_the_most(one_cell_file):
    # HDF5 would fill in zeros.
    replace_all_series(one_cell_file, shape=(1, 10**6 + 1), dtype="f8")
    assert ": lab_c0 cycle 1: `t` declares 1000001 values, exp" in refusal(one_cell_file)


def test_a_series_that_is_a_group(one_cell_file):
    replace_series(one_cell_file, "V", lambda file: file["batch"])
    assert refusal(one_cell_file).startswith(": lab_c0 cycle 1: `V` is no array, expected a row")


def test_a_series_that_leads_nowhere(one_cell_file):
    with h5py.File(one_cell_file, "r+") as file:
        file[file["batch/cycles"][0, 0]]["V"][2, 0] = h5py.Reference()
    line = refusal(one_cell_file)
    assert line.startswith(": lab_c0 cycle 2: `V` is missing: its reference leads nowhere.")


@pytest.mark.parametrize("name", ["t", "V"])
@pytest.mark.parametrize("chunks", [None, (1, 1000)])
def test_an_absurd_size_is_refused_before_memory_is_asked_for(one_cell_file, name, chunks):
    def absurd(file):
        return file.create_dataset("x", shape=(1, 10**13), dtype="f8", chunks=chunks)

    replace_series(one_cell_file, name, absurd)
    line = refusal(one_cell_file)
    assert f"lab_c0 cycle 1: `{name}` declares 10000000000000 values, expected 1000000 or" in line


def test_an_absurd_number_of_cells(one_cell_file):
    with h5py.File(one_cell_file, "r+") as file:
        del file["batch/cycles"]
        file["batch"].create_dataset("cycles", shape=(10**12, 1), dtype=h5py.ref_dtype)
    assert ": `batch/cycles` declares 1000000000000 values" in refusal(one_cell_file)


@pytest.fixture
def other_file(tmp_path):
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["values"] = np.ones((1, 21))
        write_matr_like(tmp_path / "whole.mat", [matr_cell()])
    return path


@pytest.mark.parametrize("name", ["t", "V"])
def test_a_virtual_series_is_refused(one_cell_file, other_file, name):
    def virtual(file):
        layout = h5py.VirtualLayout((1, 21), "f8")
        layout[:] = h5py.VirtualSource(str(other_file), "values", shape=(1, 21))
        return file.create_virtual_dataset("x", layout)

    replace_series(one_cell_file, name, virtual)
    line = refusal(one_cell_file)
    assert f"lab_c0 cycle 1: `{name}` lies in another file, expected the data themselves." in line


@pytest.mark.parametrize("dtype", ["f8", "f4", "i1"])
def test_a_series_in_a_raw_file_is_refused(one_cell_file, other_file, dtype):
    def external(file):
        outside = [(str(other_file), 0, 21 * np.dtype(dtype).itemsize)]
        return file.create_dataset("x", shape=(1, 21), dtype=dtype, external=outside)

    replace_series(one_cell_file, "V", external)
    line = refusal(one_cell_file)
    assert "lab_c0 cycle 1: `V` lies in another file, expected the data themselves." in line


@pytest.mark.parametrize("link", ["external", "soft"])
def test_a_link_to_another_place_is_refused(tmp_path, one_cell_file, other_file, link):
    whole = str(tmp_path / "whole.mat")
    with h5py.File(one_cell_file, "r+") as file:
        file.move("batch", "elsewhere")
        file["batch"] = (
            h5py.ExternalLink(whole, "/batch")
            if link == "external"
            else h5py.SoftLink("/elsewhere")
        )
    line = refusal(one_cell_file)
    assert line.startswith(": the file: `batch` is a link to another place, expected the data")


def test_a_series_under_a_filter_that_is_not_there(one_cell_file):
    def filtered(file):
        creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        creation.set_chunk((1, 21))
        creation.set_filter(65000, h5py.h5z.FLAG_OPTIONAL)
        space = h5py.h5s.create_simple((1, 21))
        made = h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_DOUBLE, space, creation)
        made.write_direct_chunk((0, 0), bytes(100))
        return file["x"]

    replace_series(one_cell_file, "V", filtered)
    assert refusal(one_cell_file).startswith(": lab_c0 cycle 1: `V` cannot be read, the file is da")


@pytest.mark.parametrize("flips", [1, 20])
def test_flipped_bytes_are_read_or_refused_and_nothing_else(one_cell_file, flips):
    whole = one_cell_file.read_bytes()
    draw = random.Random(flips)
    refused = []
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(flips):
            damaged[draw.randrange(len(damaged))] ^= draw.randrange(1, 256)
        one_cell_file.write_bytes(damaged)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                read_all(one_cell_file)
        except SourceError as error:
            refused.append(str(error))
    assert all(line.startswith(str(one_cell_file)) and line.isprintable() for line in refused)
    # Most of a file are numbers, which no reader can know to be flipped.
    assert len(refused) >= {1: 10, 20: 200}[flips]


def test_a_bug_outside_hdf5_is_not_taken_for_damage(one_cell_file, monkeypatch):
    def broken(*_):
        raise RuntimeError("a bug")

    monkeypatch.setattr(hdf5.SeriesReader, "read", broken)
    (cell,) = read_cells(matr, [one_cell_file], SourceOptions())
    with pytest.raises(RuntimeError, match="a bug"):
        list(cell.read_cycles(1))
