import gzip

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from data_prep.errors import SourceError
from data_prep.sources.cycler import tables
from data_prep.sources.cycler.tables import Table, listed, read_columns


def write_text(path, *lines, encoding="utf-8"):
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


def refusal(path, names=("a",), num_rows=None):
    """What is said about a file, in one line that begins with its path."""
    with pytest.raises(SourceError) as caught:
        Table(path).read(names, num_rows)
    message = str(caught.value)
    assert message.startswith(f"{path}")
    assert len(message.splitlines()) == 1
    return message.removeprefix(f"{path}")


@pytest.fixture
def csv_file(tmp_path):
    return write_text(tmp_path / "t.csv", "a,b,c", "1,2.5,x", "3,,y", "-4,inf,z")


@pytest.fixture
def parquet_file(tmp_path):
    """Three groups of two rows."""
    frame = pd.DataFrame({"a": np.arange(6), "b": np.arange(6) / 4, "c": list("uvwxyz")})
    frame.to_parquet(tmp_path / "t.parquet", row_group_size=2)
    return tmp_path / "t.parquet"


def test_chosen_columns_of_a_csv_are_numbers_with_gaps_and_infinities(csv_file):
    columns = read_columns(csv_file, ["b", "a"])
    assert list(columns) == ["b", "a"]
    assert_array_equal(columns["b"], [2.5, np.nan, np.inf])
    assert_array_equal(columns["a"], [1.0, 3.0, -4.0])
    assert {values.dtype for values in columns.values()} == {np.dtype(np.float64)}


def test_header_of_each_kind(csv_file, parquet_file):
    assert Table(csv_file).names == Table(parquet_file).names == ["a", "b", "c"]


def test_compressed_csv_is_read(tmp_path):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n1,2\n"))
    assert Table(path).names == ["a", "b"]
    assert_array_equal(read_columns(path, ["b"])["b"], [2.0])


def test_columns_of_parquet_whatever_their_type(tmp_path):
    frame = pd.DataFrame(
        {
            "whole": pd.array([1, None], dtype="Int32"),
            "single": np.array([0.5, 0.25], np.float32),
            "text": ["1.5", " 2"],
            "category": pd.Categorical(["7", "8"]),
        }
    )
    frame.to_parquet(tmp_path / "t.parquet")
    columns = read_columns(tmp_path / "t.parquet", list(frame.columns))
    assert_array_equal(columns["whole"], [1.0, np.nan])
    assert_array_equal(columns["single"], [0.5, 0.25])
    assert_array_equal(columns["text"], [1.5, 2.0])
    assert_array_equal(columns["category"], [7.0, 8.0])


@pytest.mark.parametrize(("num_rows", "count"), [(1, 1), (2, 2), (3, 3), (6, 6), (9, 6), (None, 6)])
def test_the_first_rows_of_parquet(parquet_file, num_rows, count):
    columns = Table(parquet_file).read(["a", "b"], num_rows)
    assert_array_equal(columns["a"], np.arange(count))
    assert_array_equal(columns["b"], np.arange(count) / 4)


def test_groups_of_rows_behind_the_wanted_ones_are_not_read(parquet_file):
    content = bytearray(parquet_file.read_bytes())
    whole = read_columns(parquet_file, ["b"])["b"]
    # The values of the last group, 1.0 and 1.25: their page is no longer one.
    where = content.find(np.array([1.0, 1.25]).tobytes())
    content[where - 40 : where + 16] = bytes(56)
    parquet_file.write_bytes(content)
    assert_array_equal(Table(parquet_file).read(["b"], 4)["b"], whole[:4])
    assert ": cannot be read as a Parquet table (" in refusal(parquet_file, ["b"])


def test_the_first_rows_of_a_csv(csv_file):
    assert_array_equal(Table(csv_file).read(["a"], 2)["a"], [1.0, 3.0])


def test_a_csv_is_parsed_once(csv_file):
    table = Table(csv_file)
    first = table.read(["a"])
    csv_file.unlink()
    assert_array_equal(table.read(["a", "b"])["a"], first["a"])


def test_byte_order_mark_and_blanks_after_commas_are_left_aside(tmp_path):
    path = write_text(tmp_path / "t.csv", "\ufeffa, b ,c", " 1, 2, 3")
    assert Table(path).names == ["a", "b", "c"]
    assert_array_equal(read_columns(path, ["b"])["b"], [2.0])


def test_quotation_marks_behind_a_blank_hold_their_comma(tmp_path):
    path = write_text(
        tmp_path / "t.csv",
        "remark, a",
        "x, 1",
        '"y, z", 2',
        "x, 3",
    )
    assert_array_equal(read_columns(path, ["a"])["a"], [1.0, 2.0, 3.0])
    path = write_text(tmp_path / "t.csv", "a, remark", '1, "y, z"')
    assert_array_equal(read_columns(path, ["a"])["a"], [1.0])


@pytest.mark.parametrize("header", ["a,b", "a,b,"])
def test_a_comma_at_the_end_of_each_row_does_not_shift_the_columns(tmp_path, header):
    path = write_text(tmp_path / "t.csv", header, "1,2,", "3,4,")
    assert_array_equal(read_columns(path, ["b"])["b"], [2.0, 4.0])


def test_a_short_row_lacks_its_last_values(tmp_path):
    path = write_text(tmp_path / "t.csv", "a,b", "1,2", "3")
    assert_array_equal(read_columns(path, ["b"])["b"], [2.0, np.nan])


@pytest.mark.parametrize("row", ["1,2,3", "1,2,3,4"])
@pytest.mark.parametrize("before", [[], ["1,2"]])
def test_rows_longer_than_the_header_are_refused(tmp_path, before, row):
    message = refusal(write_text(tmp_path / "t.csv", "a,b", *before, row))
    assert ": cannot be read as a comma-separated table (" in message
    assert "A row must have as many values as the header, with points in decimal" in message


@pytest.mark.parametrize(("separator", "word"), [(";", "semicolons"), ("\t", "tabs")])
def test_other_separators_are_named(tmp_path, separator, word):
    path = write_text(tmp_path / "t.csv", separator.join("ab"), separator.join(["1,5", "2,5"]))
    assert f": its columns are separated by {word}, expected commas. " in refusal(path)


def test_decimal_commas_in_quotation_marks_are_named(tmp_path):
    path = write_text(tmp_path / "t.csv", "a,b", '"1,5",2', '"1,6",2')
    message = refusal(path)
    assert message == (
        ", data row 1: `a` must be a number. Received: '1,5'. Write decimals with a point."
    )


@pytest.mark.parametrize("write", ["csv", "parquet"])
def test_text_for_a_number_is_named_with_its_row_and_column(tmp_path, write):
    path = tmp_path / f"t.{write}"
    frame = pd.DataFrame({"a": ["1", "", "OVER", "4"]})
    frame.to_csv(path, index=False) if write == "csv" else frame[["a"]].to_parquet(path)
    row = 3 if write == "csv" else 2
    received = "OVER" if write == "csv" else ""
    assert refusal(path).startswith(
        f", data row {row}: `a` must be a number. Received: '{received}'."
    )


def test_text_longer_than_a_line_is_cut(tmp_path):
    path = write_text(tmp_path / "t.csv", "a", '"two\nlines' + "x" * 500 + '"')
    assert "Received: 'two\\nlinesxxx" in refusal(path)
    assert len(refusal(path)) < 200


@pytest.mark.parametrize("value", [True, pd.Timestamp("2024-10-23 08:00"), [1.5]])
def test_other_things_than_numbers_are_refused(tmp_path, value):
    pd.DataFrame({"a": [value]}).to_parquet(tmp_path / "t.parquet")
    assert f"data row 1: `a` must be a number. Received: '{str(value)[:4]}" in refusal(
        tmp_path / "t.parquet"
    )


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_column_that_is_missing_is_named_with_those_found(tmp_path, ending, request):
    path = request.getfixturevalue(f"{ending}_file")
    message = refusal(path, ["a", "v"])
    assert message == ": the column v is missing, found a, b, c. Correct the header."


def test_a_column_that_is_there_twice_is_refused_where_it_is_wanted(tmp_path):
    path = write_text(tmp_path / "t.csv", "a,b,a", "1,2,3")
    assert refusal(path).startswith(": the column a is there twice, found a, b, a.")
    assert_array_equal(read_columns(path, ["b"])["b"], [2.0])


def test_a_parquet_column_that_is_there_twice_is_refused(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_arrays([pa.array([1.0]), pa.array([2.0])], names=["a", "a"])
    pq.write_table(table, tmp_path / "t.parquet")
    assert ": the column a is there twice" in refusal(tmp_path / "t.parquet")


def test_header_without_rows_is_refused(tmp_path):
    path = write_text(tmp_path / "t.csv", "a,b")
    assert refusal(path) == ": has no rows under its header. Take the file out of --input."
    pd.DataFrame({"a": np.zeros(0)}).to_parquet(tmp_path / "t.parquet")
    assert ": has no rows under its header" in refusal(tmp_path / "t.parquet")


@pytest.mark.parametrize(
    ("content", "found"),
    [(b"", "nothing"), (b"\n\n", "nothing"), (b"\x00" * 5000, "bytes that are no text")],
)
def test_a_file_without_a_header_is_refused(tmp_path, content, found):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    assert f": expected names of columns in the first line, found {found}. " in refusal(path)


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_text_that_is_not_utf_8_is_named(tmp_path, encoding):
    path = write_text(tmp_path / "t.csv", "a,T / °C", "1,20", encoding=encoding)
    message = refusal(path)
    assert "comma-separated table (it is not text in UTF-8). Save it as UTF-8." in message


def test_bytes_that_are_not_utf_8_behind_the_header_are_named(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"a,b\n" + b"1,x\n" * 300_000 + b"1,\xff\n")
    assert "(it is not text in UTF-8)" in refusal(path)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_parquet_is_refused(parquet_file, share):
    content = parquet_file.read_bytes()
    parquet_file.write_bytes(content[: int(share * len(content))])
    assert ": cannot be read as a Parquet table (" in refusal(parquet_file)


def test_a_csv_with_the_name_of_a_parquet_is_refused(tmp_path):
    path = write_text(tmp_path / "t.parquet", "a,b", "1,2")
    assert ": cannot be read as a Parquet table (" in refusal(path)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.95])
def test_a_truncated_gzip_is_refused(tmp_path, share):
    content = gzip.compress(b"a,b\n" + np.random.default_rng(0).bytes(20000).hex().encode())
    path = tmp_path / "t.csv.gz"
    path.write_bytes(content[: int(share * len(content))])
    assert ": " in refusal(path)


def test_a_gzip_with_other_bytes_in_its_midst_is_refused(tmp_path):
    content = bytearray(gzip.compress(b"a,b\n" + b"1,2\n3,4\n" * 5000))
    content[10] = 0xFF  # its first block is of a kind that there is not
    path = tmp_path / "t.csv.gz"
    path.write_bytes(content)
    assert ": cannot be read as a comma-separated table (" in refusal(path)


def test_text_with_the_name_of_a_gzip_is_refused(tmp_path):
    path = write_text(tmp_path / "t.csv.gz", "a,b", "1,2")
    assert "cannot be read as a comma-separated table (Not a gzipped file" in refusal(path)


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path):
    for name in ("t.csv", "t.parquet"):
        (tmp_path / name).mkdir()
        assert ": cannot be read as a " in refusal(tmp_path / name)


def test_a_file_without_line_ends_is_not_read_whole_for_its_header(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "HEADER_CHARACTERS", 10)
    path = write_text(tmp_path / "t.csv", "a" * 100)
    assert Table(path).names == ["a" * 10]


def test_a_table_larger_than_the_memory_is_refused(csv_file, monkeypatch):
    def too_large(*args, **kwargs):
        raise MemoryError("Unable to allocate 1. TiB")

    monkeypatch.setattr(pd, "read_csv", too_large)
    assert "(Unable to allocate 1. TiB)" in refusal(csv_file)


def test_names_in_a_message_are_few_and_on_one_line():
    assert listed(["a\nb", "c"]) == "a b, c"
    assert listed([]) == "nothing"
    assert listed(map(str, range(23))).endswith("18, 19 and 3 more")
