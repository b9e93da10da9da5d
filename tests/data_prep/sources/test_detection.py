import pickle

import pytest
from scipy.io import savemat

from data_prep.errors import SourceError
from data_prep.sources import source
from data_prep.sources.demo import DEMO_FILE
from data_prep.sources.detection import detect, other_files
from tests.builders import matr_cell, write_matr_like

ARBIN = (
    "Data_Point,Test_Time,DateTime,Step_Index,Cycle_Index,Current,Voltage\n0,0.0,1,1,1,1.1,3.3\n"
)
BDF = "Test Time / s,Voltage / V,Current / A,Cycle Count / 1\n0.0,3.3,1.1,1\n"
KAGGLE = "type,start_time,battery_id,test_id,filename,Capacity\ncharge,,B0005,0,00001.csv,\n"


def matr(folder):
    write_matr_like(folder / "batch.mat", [matr_cell()])


def matlab_73(folder):
    """The signature of HDF5 lies behind MATLAB's own header."""
    header = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
    (folder / "batch.mat").write_bytes(header.ljust(512) + b"\x89HDF\r\n\x1a\n" + bytes(64))


def nasa(folder):
    savemat(folder / "B0005.mat", {"B0005": {"cycle": []}})


def big_endian_nasa(folder):
    (folder / "B0005.mat").write_bytes(b"MATLAB 5.0".ljust(124) + b"\x01\x00MI")


def kaggle(folder):
    (folder / "metadata.csv").write_text(KAGGLE)


def batteryml(folder):
    (folder / "MATR_b1c0.pkl").write_bytes(pickle.dumps({}))


def arbin(folder):
    (folder / "2017_CH33.csv").write_text(ARBIN)


def bdf(folder):
    (folder / "cell.bdf.csv").write_text(BDF)


def bdf_by_its_header(folder):
    (folder / "cell.csv").write_text(BDF)


def bdf_parquet_by_its_columns(folder):
    import pyarrow as pa
    from pyarrow.parquet import write_table

    columns = {name: [0.0, 1.0] for name in ("test_time_second", "voltage_volt", "current_ampere")}
    write_table(pa.table(columns), folder / "cell.parquet")


MAKERS = {
    **{matr: "matr", matlab_73: "matr", nasa: "nasa", big_endian_nasa: "nasa", kaggle: "nasa"},
    **{batteryml: "batteryml", arbin: "arbin", bdf: "bdf", bdf_by_its_header: "bdf"},
    bdf_parquet_by_its_columns: "bdf",
}

SIDE_FILES = (
    *("cells.csv", "a.capacity.csv", "2017_CH33_Metadata.csv", "CALB_labels.json", "README.txt"),
    *("notes.md", "LICENSE", ".DS_Store", ".hidden.csv", "a.metadata.json"),
)


@pytest.mark.parametrize("maker", MAKERS)
def test_a_folder_is_told_by_what_is_in_its_files(tmp_path, maker):
    maker(tmp_path)
    for name in SIDE_FILES:
        (tmp_path / name).write_text(ARBIN)
    assert detect(tmp_path) == MAKERS[maker]


@pytest.mark.parametrize("maker", MAKERS)
def test_a_file_by_itself_is_told(tmp_path, maker):
    maker(tmp_path)
    (path,) = tmp_path.iterdir()
    assert detect(path) == MAKERS[maker]


def test_files_of_several_sources_are_refused_by_name_and_number(tmp_path):
    nasa(tmp_path)
    arbin(tmp_path)
    (tmp_path / "2018_CH1.csv").write_text(ARBIN)
    with pytest.raises(SourceError) as caught:
        detect(tmp_path)
    listed = "arbin (2, such as 2017_CH33.csv), nasa (1, such as B0005.mat)"
    assert f"holds files of several sources: {listed}. Say which" in str(caught.value)
    assert "--source" in str(caught.value)


def test_a_matr_and_a_nasa_file_of_one_ending_are_told_apart(tmp_path):
    nasa(tmp_path)
    matr(tmp_path)
    with pytest.raises(SourceError, match=r"nasa \(1, such as B0005\.mat\), matr \(1, such as b"):
        detect(tmp_path)


def test_a_place_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SourceError, match="nowhere: no such file or folder"):
        detect(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("curves.npz", b"PK\x03\x04"),
        ("cell.mat", b"voltage,current\n" * 40),
        ("cell.mat", b""),
        ("cell.pkl", b"voltage,current\n"),
        ("cell.csv", b"voltage,current\n3.3,1.1\n"),
        ("cell.csv", b"\xff\xfe\x00\x01" * 100),
        ("cell.parquet", b"PAR1 and no more"),
        ("metadata.csv", b"name,value\n"),
        ("metadata.csv", b"\xff" * 100),
    ],
)
def test_unknown_files_are_named_with_what_is_known(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError) as caught:
        detect(tmp_path)
    message = str(caught.value)
    ending = name[name.index(".") :]
    assert f"holds no measurements that are known; found 1 {ending}, such as {name}." in message
    assert "Known are MATR .mat" in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("c0.csv", b"a;b\n1;2\n", "c0.csv: its columns are separated by semicolons, expected com"),
        (
            "c0.csv",
            "Temperature / \u00b0C\n".encode("latin-1"),
            "c0.csv: cannot be read as a comma-",
        ),
        ("c0.csv", b"", "c0.csv: expected names of columns in the first line, found nothing."),
        ("c0.parquet", b"PAR1 and no more", "c0.parquet: cannot be read as a Parquet table"),
        ("c0.pkl", b"", "c0.pkl: does not begin as a pickle of protocol 2 to 5."),
        ("c0.mat", b"", "c0.mat: does not begin as a MATLAB file of version 5 or 7.3."),
    ],
)
def test_a_damaged_table_or_pickle_is_named_with_what_is_wrong(tmp_path, name, content, reason):
    (tmp_path / "a.txt").touch()
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError) as caught:
        detect(tmp_path)
    assert f" Not read, {tmp_path}/{reason}" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_sound_table_of_another_kind_has_nothing_wrong(tmp_path):
    (tmp_path / "c0.csv").write_text("voltage,current\n3.3,1.1\n")
    with pytest.raises(SourceError) as caught:
        detect(tmp_path)
    assert "Not read" not in str(caught.value)


def test_links_that_lead_nowhere_are_named(tmp_path):
    # As git-annex leaves the files whose content was not fetched.
    (tmp_path / "c0.mat").symlink_to(tmp_path / "annex" / "c0")
    with pytest.raises(SourceError, match=r"found 1 \.mat.*c0\.mat: is a link that leads nowhere"):
        detect(tmp_path)


def test_an_empty_folder_is_refused(tmp_path):
    (tmp_path / "README.md").touch()
    with pytest.raises(SourceError, match="known; found no files"):
        detect(tmp_path)


def test_folders_within_that_hold_measurements_are_named(tmp_path):
    for name, maker in (("a", nasa), ("b", bdf), ("empty", lambda folder: None)):
        (tmp_path / name).mkdir()
        maker(tmp_path / name)
    with pytest.raises(SourceError) as caught:
        detect(tmp_path)
    hint = f"Near it, a/ holds nasa, b/ holds bdf: give --input {tmp_path / 'a'}."
    assert str(caught.value).endswith(hint)


def test_the_data_folder_of_the_kaggle_layout_names_the_one_above(tmp_path):
    kaggle(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "00001.csv").write_text("Voltage_measured,Time\n3.3,0.0\n")
    with pytest.raises(SourceError, match=rf"give --input {tmp_path}\.$"):
        detect(tmp_path / "data")


def test_other_files_are_neither_read_nor_known_side_files(tmp_path):
    nasa(tmp_path)
    for name in (*SIDE_FILES, "curves.npz", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "folder").mkdir()
    files = source("nasa").find_files(tmp_path)
    assert [path.name for path in other_files(tmp_path, files)] == ["curves.npz", "notes.txt"]


def test_a_single_file_has_no_others(tmp_path):
    nasa(tmp_path)
    arbin(tmp_path)
    path = tmp_path / "B0005.mat"
    assert other_files(path, [path]) == []


def test_the_demo_is_a_file_of_matr():
    assert detect(DEMO_FILE) == "matr"


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        *(("attia", "bdf"), ("nasa", "nasa"), ("nasa/kaggle", "nasa"), ("bdf", "bdf")),
        *(("arbin", "arbin"), ("batteryml", "batteryml")),
    ],
)
def test_real_folders_are_told_and_leave_no_other_files(shared_data, folder, name):
    assert detect(shared_data / folder) == name
    files = source(name).find_files(shared_data / folder)
    assert other_files(shared_data / folder, files) == []


def test_real_top_folder_names_the_folders_within(shared_data):
    with pytest.raises(SourceError) as caught:
        detect(shared_data)
    message = str(caught.value)
    assert "found 1 .npz, 1 .csv" in message or "found 1 .csv, 1 .npz" in message
    assert "arbin/ holds arbin, attia/ holds bdf, batteryml/ holds batteryml" in message
