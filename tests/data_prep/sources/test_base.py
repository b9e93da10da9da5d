import os

import pytest

from data_prep.errors import SourceError
from data_prep.records import DroppedCell
from data_prep.sources import SOURCES, source
from data_prep.sources.base import (
    SourceOptions,
    as_asked,
    entries,
    list_files,
    no_file,
    numbers_on_record,
)
from data_prep.sources.demo import DEMO_FILE
from tests.builders import a_cell, constant_charge

ENDING = {"matr": "mat", "nasa": "mat", "batteryml": "pkl", "bdf": "bdf.csv", "arbin": "csv"}


def test_files_are_those_with_the_ending_in_order_whatever_its_case(tmp_path):
    for name in ("b.mat", "a.MAT", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "folder").mkdir()
    assert [p.name for p in list_files(tmp_path, (".mat",), "files")] == ["a.MAT", "b.mat"]
    assert [p.name for p in entries(tmp_path, ("", ".mat"))] == ["a.MAT", "b.mat", "notes.txt"]


def test_links_that_lead_nowhere_and_folders_named_like_files_are_kept(tmp_path):
    (tmp_path / "a.mat").symlink_to(tmp_path / "gone")
    (tmp_path / "b.mat").mkdir()
    (tmp_path / "c.mat").touch()
    (tmp_path / "d.mat").symlink_to(tmp_path / "c.mat")
    files = list_files(tmp_path, (".mat",), "files")
    assert [path.name for path in files] == ["a.mat", "b.mat", "c.mat", "d.mat"]
    link, folder, *sound = map(no_file, files)
    assert "a.mat: is a link that leads nowhere. Fetch what it stands for" in str(link)
    assert "b.mat: is a folder, expected a file." in str(folder)
    assert sound == [None, None]


@pytest.mark.parametrize("name", ENDING)
def test_every_reader_counts_links_and_folders_as_unreadable(tmp_path, name):
    link, folder = tmp_path / f"a.{ENDING[name]}", tmp_path / f"b.{ENDING[name]}"
    link.symlink_to(tmp_path / "gone")
    folder.mkdir()
    places = list(source(name).list_cells([link, folder], SourceOptions()))
    assert [type(place) for place in places] == [DroppedCell] * 2
    assert [(p.source_file, p.reason) for p in places] == [
        (link.name, "unreadable"),
        (folder.name, "unreadable"),
    ]
    assert "leads nowhere" in places[0].detail
    assert "is a folder" in places[1].detail


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"a\nb.mat", r"'a\nb.mat'"),
        (b"a\xff.mat", r"'a\udcff.mat'"),
        (b"a\x1b[31m.mat", r"'a\x1b[31m.mat'"),
    ],
)
def test_names_that_cannot_be_written_are_refused_in_one_line(tmp_path, name, shown):
    with open(os.path.join(os.fsencode(tmp_path), name), "wb"):
        pass
    with pytest.raises(SourceError) as caught:
        list_files(tmp_path, (".mat",), "files")
    message = str(caught.value)
    message.encode()
    assert len(message.splitlines()) == 1
    assert f"{tmp_path}: the name {shown} holds a line end" in message
    with pytest.raises(SourceError, match=r"holds no tables"):
        list_files(tmp_path, (".csv",), "tables")


def test_names_in_other_scripts_are_no_hindrance(tmp_path):
    (tmp_path / "\u96fb\u6c60 \u00e4\u00a0b.mat").touch()
    assert len(list_files(tmp_path, (".mat",), "files")) == 1


@pytest.mark.parametrize("last", [1, 3])
def test_numbers_of_which_none_is_missing_need_not_be_said(last):
    assert numbers_on_record(list(range(1, last + 1)), last) is None


@pytest.mark.parametrize(("numbers", "last"), [([2], 2), ([1, 3], 3), ([1, 2], 8), ([], 2)])
def test_numbers_of_which_some_are_missing_are_said(numbers, last):
    assert numbers_on_record(numbers, last) == tuple(numbers)


@pytest.mark.parametrize("name", ["matr", "nasa", "batteryml", "demo"])
def test_a_temperature_by_its_name_is_refused_where_there_is_only_one(tmp_path, name):
    with pytest.raises(SourceError, match=r"^--temperature-column T2: .* one temperature at most"):
        list(source(name).list_cells([tmp_path / "a.mat"], SourceOptions(temperature_column="T2")))


def test_a_cell_goes_without_its_temperature_where_the_user_asks_for_none():
    cell = a_cell([constant_charge(1), constant_charge(2)])
    asked = as_asked(cell, SourceOptions(temperature_column="none"))
    assert [cycle.temperature_degc for cycle in asked.read_cycles(2)] == [None, None]
    assert [cycle.number for cycle in asked.read_cycles(1)] == [1]
    assert as_asked(cell, SourceOptions()) is cell


def test_a_dropped_cell_stays_as_it_is():
    dropped = DroppedCell("a", "a.mat", "known_defect", "")
    assert as_asked(dropped, SourceOptions(temperature_column="none")) is dropped


def test_the_demo_goes_without_temperature_where_the_user_asks_for_none():
    demo, options = source("demo"), SourceOptions(temperature_column="none")
    place = next(iter(demo.list_cells([DEMO_FILE], options)))
    assert next(demo.read_cell(place, options).read_cycles(1)).temperature_degc is None
    assert next(demo.read_cell(place, SourceOptions()).read_cycles(1)).temperature_degc is not None


@pytest.mark.parametrize("name", SOURCES)
def test_every_reader_says_which_files_beside_the_measurements_it_uses(tmp_path, name):
    (tmp_path / "a.csv").touch()
    assert source(name).side_files([tmp_path / "a.csv"]) == []
