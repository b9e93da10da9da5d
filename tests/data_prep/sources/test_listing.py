import logging

import pytest

from data_prep.errors import SourceError
from data_prep.sources import source
from data_prep.sources.cycler.listing import cell_id_of, fact_files, list_tables

ENDINGS = (".csv", ".bdf.csv")


@pytest.fixture
def folder(tmp_path):
    for name in ("Cell-1.bdf.csv", "cell-2.csv"):
        (tmp_path / name).touch()
    return tmp_path


def places(folder, *names):
    files = [folder / name for name in names or ("Cell-1.bdf.csv", "cell-2.csv")]
    return list(list_tables(files, ENDINGS))


def write_rows(folder, *cell_ids):
    lines = [f"{cell_id},500" for cell_id in cell_ids]
    (folder / "cells.csv").write_text("\n".join(["cell_id,eol_cycles", *lines, ""]))


def test_a_cell_is_named_as_its_file_without_the_longest_ending(folder):
    assert [place.cell_id for place in places(folder)] == ["Cell-1", "cell-2"]
    assert cell_id_of(folder / "A.BDF.CSV", ENDINGS) == "A"
    assert cell_id_of(folder / "a.txt", ENDINGS) == "a.txt"


def test_facts_go_to_their_cells(folder, caplog):
    write_rows(folder, "cell-2")
    assert [place.key.eol_cycles for place in places(folder)] == [None, 500]
    assert caplog.records == []


def test_facts_for_no_cell_at_all_are_refused_with_both_spellings(folder):
    write_rows(folder, "cell-1", "Cell-1.bdf")
    with pytest.raises(SourceError) as caught:
        places(folder)
    assert str(caught.value) == (
        f"{folder}/cells.csv: no row is of a cell beside it: rows of cell-1, Cell-1.bdf, files of "
        f"Cell-1, cell-2. Write the name of the file without its ending as `cell_id`."
    )


def test_rows_without_a_file_are_named_where_others_have_theirs(folder, caplog):
    write_rows(folder, "Cell-1", "cell-1", "cell-9")
    with caplog.at_level(logging.WARNING):
        assert [place.key.eol_cycles for place in places(folder)] == [500, None]
    assert [record.getMessage() for record in caplog.records] == [
        "cells.csv: no file for cell-1, cell-9"
    ]


def test_rows_of_other_files_of_the_folder_are_no_strangers(folder, caplog):
    write_rows(folder, "cell-2")
    assert [place.cell_id for place in places(folder, "Cell-1.bdf.csv")] == ["Cell-1"]
    assert caplog.records == []


def test_capacities_without_measurements_are_named(folder, caplog):
    for cell_id in ("Cell-1", "cell-1"):
        (folder / f"{cell_id}.capacity.csv").write_text("cycle,discharge_capacity_ah\n1,2.5\n")
    with caplog.at_level(logging.WARNING):
        places(folder)
    assert [record.getMessage() for record in caplog.records] == [
        "no measurements for cell-1.capacity.csv"
    ]


def test_the_files_of_facts_are_those_of_the_cells_that_are_read(folder):
    write_rows(folder, "cell-2")
    for cell_id in ("Cell-1", "cell-9"):
        (folder / f"{cell_id}.capacity.csv").touch()
    found = fact_files([folder / "Cell-1.bdf.csv", folder / "cell-2.csv"], ENDINGS)
    assert [path.name for path in found] == ["Cell-1.capacity.csv", "cells.csv"]


def test_metadata_of_arbin_are_among_the_files_of_facts(folder):
    (folder / "cell-2_Metadata.csv").touch()
    (folder / "other_Metadata.csv").touch()
    write_rows(folder, "cell-2")
    found = source("arbin").side_files([folder / "cell-2.csv"])
    assert [path.name for path in found] == ["cell-2_Metadata.csv", "cells.csv"]
    found = source("bdf").side_files([folder / "Cell-1.bdf.csv"])
    assert [path.name for path in found] == ["cells.csv"]
