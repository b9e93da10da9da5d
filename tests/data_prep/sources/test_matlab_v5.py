import io
import struct
import zlib

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.io import savemat

from data_prep.sources.nasa.matlab_v5 import Damaged, HigherVersion, load_variables

HEADER = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"


def write(folder, data):
    path = folder / "cell.mat"
    path.write_bytes(data)
    return path


def saved(variables, **options):
    file = io.BytesIO()
    savemat(file, variables, **options)
    return file.getvalue()


def element(kind, content, order="<"):
    return struct.pack(order + "II", kind, len(content)) + content + bytes(-len(content) % 8)


def array(array_class, sizes, *parts, name=b"x", order="<"):
    flags = element(6, struct.pack(order + "II", array_class, 0), order)
    shape = element(5, struct.pack(f"{order}{len(sizes)}i", *sizes), order)
    content = flags + shape + element(1, name, order) + b"".join(parts)
    return element(14, content, order)


@pytest.mark.parametrize("do_compression", [False, True])
def test_what_scipy_writes_is_read(tmp_path, do_compression):
    variables = {
        "matrix": np.arange(6.0).reshape(2, 3),
        "short": np.int16([1, -2]),
        "single": np.float32(2.5),
        "text": "chargé",
        "empty": [],
        "complex": 1 + 2j,
        "struct": {"a": 1.0, "b": "hi", "c": {"d": [1, 2]}},
        "structs": np.array([(1.0,), (2.0,)], dtype=[("a", "O")]),
        "cells": np.array([1.0, "a"], dtype=object),
    }
    path = write(tmp_path, saved(variables, do_compression=do_compression))
    loaded = load_variables(path)
    assert list(loaded) == list(variables)
    # MATLAB's order is by columns.
    assert_array_equal(loaded["matrix"], [0.0, 3.0, 1.0, 4.0, 2.0, 5.0])
    assert_array_equal(loaded["short"], [1.0, -2.0])
    assert_array_equal(loaded["single"], [2.5])
    assert (loaded["text"], loaded["complex"], loaded["empty"].size) == ("chargé", None, 0)
    assert loaded["struct"]["b"] == "hi"
    assert_array_equal(loaded["struct"]["c"]["d"], [1.0, 2.0])
    assert [item["a"].tolist() for item in loaded["structs"]] == [[1.0], [2.0]]
    assert (loaded["cells"][0].tolist(), loaded["cells"][1]) == ([1.0], "a")


def test_a_file_of_a_big_endian_machine_is_read(tmp_path):
    numbers = element(9, struct.pack(">2d", 3.3, 4.2), ">")
    data = b"MATLAB 5.0".ljust(124) + b"\x01\x00MI" + array(6, (1, 2), numbers, order=">")
    assert_array_equal(load_variables(write(tmp_path, data))["x"], [3.3, 4.2])


def test_numbers_stored_in_a_smaller_type_are_read(tmp_path):
    data = HEADER + array(6, (1, 3), element(2, bytes([1, 2, 255])))
    assert_array_equal(load_variables(write(tmp_path, data))["x"], [1.0, 2.0, 255.0])


def nested(levels):
    value = element(14, b"")
    for _ in range(levels):
        value = array(1, (1, 1), value)
    return value


FIELD = element(5, struct.pack("<i", 8)) + element(1, b"cycle".ljust(8, b"\0"))
BOMB = zlib.compress(bytes(2**28 + 2**20), 9)

DAMAGED = {
    "no file of MATLAB": (b"voltage,current\n" * 20, "no header of MATLAB v5"),
    "a header cut off": (HEADER[:100], "no header"),
    "another version": (HEADER[:124] + b"\x00\x03IM", "version 0x0300"),
    "a tag cut off": (HEADER + b"\x0e\0\0\0", "cut off"),
    "more bytes declared than there are": (
        HEADER + struct.pack("<II", 14, 2**32 - 1),
        "declares 4294967295 bytes where 0 are left",
    ),
    "a billion numbers declared": (
        HEADER + array(6, (32768, 32768), element(9, bytes(8))),
        "declares 1073741824 numbers and has 1",
    ),
    "a billion cells declared": (HEADER + array(1, (32768, 32768)), "1073741824 cells declared"),
    "a billion structs declared": (
        HEADER + array(2, (32768, 32768), FIELD, element(14, b"")),
        "1 values for 1073741824 structs of 1 fields",
    ),
    "a billion structs without fields": (
        HEADER + array(2, (32768, 32768), element(5, struct.pack("<i", 8)), element(1, b"")),
        "0 values for 1073741824 structs of 0 fields",
    ),
    "a negative size": (HEADER + array(6, (-1, -1), element(9, bytes(8))), "negative size"),
    "no sizes": (HEADER + array(6, (), element(9, bytes(8))), "no whole numbers"),
    "field names of no length": (
        HEADER + array(2, (1, 1), element(5, bytes(4)), element(1, b"")),
        "field names of no length",
    ),
    "numbers of an unknown kind": (HEADER + array(6, (1, 1), element(99, bytes(8))), "kind 99"),
    "text in place of numbers": (HEADER + array(6, (1, 1), element(14, bytes(8))), "kind 14"),
    "half a number": (HEADER + array(6, (1, 1), element(9, bytes(4))), "4 bytes for numbers of 8"),
    "a hundred structs in one another": (HEADER + nested(100), "more than 16 deep"),
    "a stream that is none": (HEADER + element(15, b"no zlib"), "incorrect header"),
    "a stream cut off": (HEADER + element(15, zlib.compress(bytes(999))[:-6]), "cut off"),
    "a small stream of many bytes": (HEADER + element(15, BOMB), "more than 268435456 bytes"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_is_told_before_memory_is_taken(tmp_path, name):
    data, match = DAMAGED[name]
    with pytest.raises(Damaged, match=match):
        load_variables(write(tmp_path, data))


def test_matlab_73_is_told_from_damage(tmp_path):
    with pytest.raises(HigherVersion):
        load_variables(write(tmp_path, HEADER[:124] + b"\x00\x02IM" + bytes(384)))


@pytest.mark.parametrize("do_compression", [False, True])
def test_damaged_bytes_are_read_or_refused(tmp_path, do_compression):
    content = {"B0005": {"cycle": [{"type": "charge", "data": {"Time": [0.0, 1.0, 2.0]}}] * 2}}
    good = saved(content, do_compression=do_compression)
    generator = np.random.default_rng(0)
    num_read = num_refused = 0
    for _ in range(600):
        data = bytearray(good)
        for place in generator.integers(0, len(data), generator.integers(1, 4)):
            data[place] = generator.integers(0, 256)
        kept = len(data) if generator.random() < 0.8 else generator.integers(0, len(data))
        try:
            load_variables(write(tmp_path, bytes(data[:kept])))
            num_read += 1
        except ValueError:
            num_refused += 1
    assert num_read > 50
    assert num_refused > 300


def test_real_files_are_read_as_scipy_reads_them(shared_data):
    from scipy.io import loadmat

    for path in sorted((shared_data / "nasa").glob("*.mat")):
        ours = load_variables(path)[path.stem]["cycle"]
        scipys = loadmat(path, simplify_cells=True)[path.stem]["cycle"]
        assert [record["type"] for record in ours] == [record["type"] for record in scipys]
        for our, their in zip(ours, scipys, strict=True):
            assert list(our["data"]) == list(their["data"])
            for field, values in their["data"].items():
                if np.iscomplexobj(values):
                    assert our["data"][field] is None
                else:
                    assert_array_equal(our["data"][field], np.ravel(values))
