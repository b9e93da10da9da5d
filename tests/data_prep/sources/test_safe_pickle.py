import collections
import copyreg
import pickle
import struct
import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from data_prep.errors import SourceError
from data_prep.sources.pickles.imports import PickledArray
from data_prep.sources.pickles.safe_pickle import load_plain

PROTOCOLS = (2, 3, 4, 5)

PLAIN = {
    "text": "Ah é \ud800",
    "numbers": [0, 1, 255, 256, 65536, -1, 2**31, -(2**70), 2**3000],
    "floats": [0.0, -1.5, 1e300, float("inf")],
    "mixed": [1.0, 2, None, 3.0, True, False],
    "bytes": [b"", b"\xff\x00", b"x" * 300],
    "nested": {"a": [{}, [], (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)]},
    "sets": [{1, 2}, frozenset({3}), set()],
    "complex": 1 + 2j,
    3: "a number for a key",
}


def write(folder, data):
    path = folder / "cell.pkl"
    path.write_bytes(data)
    return path


def plain(value):
    return value.values if isinstance(value, PickledArray) else value


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_plain_data_come_back_as_they_were(tmp_path, protocol):
    assert load_plain(write(tmp_path, pickle.dumps(PLAIN, protocol))) == PLAIN


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_list_longer_than_a_batch_of_the_pickler_is_whole(tmp_path, protocol):
    series = np.linspace(2.0, 3.6, 2500).tolist()
    content = {"voltage": series, "again": series, "counts": list(range(2500))}
    loaded = load_plain(write(tmp_path, pickle.dumps(content, protocol)))
    assert loaded == content
    assert loaded["again"] is loaded["voltage"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_dicts_and_lists_of_collections_come_as_plain_ones(tmp_path, protocol):
    content = {
        "ordered": collections.OrderedDict(b=1, a=2),
        "default": collections.defaultdict(list, {"c": [1]}),
        "deque": collections.deque([1, 2], maxlen=5),
        "bytes": bytearray(b"xyz"),
    }
    loaded = load_plain(write(tmp_path, pickle.dumps(content, protocol)))
    expected = {"ordered": {"b": 1, "a": 2}, "default": {"c": [1]}, "deque": [1, 2]}
    assert loaded == expected | {"bytes": b"xyz"}
    assert {type(value) for value in loaded.values()} == {dict, list, bytes}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "array",
    [
        np.array([1.5, np.nan, -3.0]),
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(3, dtype=">f4"),
        np.arange(10, dtype="i2")[::2],
        np.array([True, False]),
        np.zeros(0),
        np.array(2.5),
    ],
)
def test_numpy_arrays_keep_values_shape_and_type(tmp_path, array, protocol):
    loaded = load_plain(write(tmp_path, pickle.dumps([array, array], protocol)))
    for item in loaded:
        assert_array_equal(item.values, array)
        assert item.values.dtype == array.dtype


@pytest.mark.parametrize("scalar", [np.float64(2.5), np.int32(-7), np.bool_(True)])
def test_numpy_scalars_become_pythons_numbers(tmp_path, scalar):
    loaded = load_plain(write(tmp_path, pickle.dumps({"r": scalar})))
    assert loaded == {"r": scalar.item()}
    assert type(loaded["r"]) is type(scalar.item())


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("scalar", [np.str_("Zelle \u00e4"), np.bytes_(b"cell"), np.str_("")])
def test_numpy_text_becomes_pythons(tmp_path, scalar, protocol):
    loaded = load_plain(write(tmp_path, pickle.dumps({"r": scalar}, protocol)))
    assert loaded == {"r": scalar.decode() if isinstance(scalar, bytes) else str(scalar)}
    assert type(loaded["r"]) is str


@pytest.mark.parametrize("array", [np.array("1.5"), np.array(["a", "bcd"]), np.array([b"a"])])
def test_arrays_of_text_are_text_and_no_numbers(tmp_path, array):
    loaded = load_plain(write(tmp_path, pickle.dumps([array])))[0]
    assert_array_equal(loaded.values, array)
    assert loaded.numbers() == list(array.flat)


@pytest.mark.parametrize("module", [b"numpy.core.multiarray", b"numpy._core.multiarray"])
def test_both_names_of_numpys_core_are_known(tmp_path, module):
    data = pickle.dumps(np.arange(3.0), protocol=2)
    names = (b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert sum(name in data for name in names) == 1
    for name in names:
        data = data.replace(b"c" + name + b"\n", b"c" + module + b"\n")
    assert_array_equal(load_plain(write(tmp_path, data)).values, [0.0, 1.0, 2.0])


class Calls:
    """Pickled as a call."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def runs_os_system(command):
    import os

    return pickle.dumps(Calls(os.system, command))


def runs_eval(command):
    return pickle.dumps(Calls(eval, f"__import__('os').system({command!r})"), 2)


def runs_exec_among_good_values(command):
    code = f"import os; os.system({command!r})"
    return pickle.dumps({"cycle_data": [{"time_in_s": [1.0, 2.0, Calls(exec, code)]}]})


def names_on_the_stack(command):
    return b"\x80\x04" + text("posix") + text("system") + b"\x93" + text(command) + b"\x85R."


def names_in_text_lines(command):
    return b"cposix\nsystem\n(" + text(command) + b"tR."


def makes_an_instance(command):
    return b"\x80\x02(" + text(command) + b"iposix\nsystem\n."


def makes_an_object(command):
    return b"\x80\x02(cposix\nsystem\n" + text(command) + b"o."


def goes_through_getattr(command):
    imported = b"c__builtin__\n__import__\n" + text("os") + b"\x85R"
    function = b"c__builtin__\ngetattr\n" + imported + text("system") + b"\x86R"
    return b"\x80\x02" + function + text(command) + b"\x85R."


def hides_in_an_attribute_of_an_admitted_name(command):
    dotted = b"\x80\x04" + text("collections") + text("_sys.modules") + b"\x93"
    get = b"0cbuiltins\neval\n" + text(f"__import__('os').system({command!r})") + b"\x85R."
    return dotted + get


def runs_a_string_of_numpy(command):
    code = f"__import__('os').system({command!r})"
    return b"\x80\x04cnumpy.testing._private.utils\nrunstring\n" + text(code) + b"}\x86R."


HOSTILE = {
    runs_os_system: "posix.system",
    runs_eval: "__builtin__.eval",
    runs_exec_among_good_values: "builtins.exec",
    names_on_the_stack: "posix.system",
    names_in_text_lines: "posix.system",
    makes_an_instance: "posix.system",
    makes_an_object: "posix.system",
    goes_through_getattr: "__builtin__.getattr",
    hides_in_an_attribute_of_an_admitted_name: "collections._sys.modules",
    runs_a_string_of_numpy: "numpy.testing._private.utils.runstring",
}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_pickle_is_refused_by_name_and_runs_nothing(tmp_path, hostile):
    made = tmp_path / "made"
    data = hostile(f"touch {made}")
    # With Python's own unpickler it does its work, so that the test could fail.
    pickle.loads(data)
    made.unlink()
    with pytest.raises(SourceError) as caught:
        load_plain(write(tmp_path, data))
    message = str(caught.value)
    assert f"cell.pkl: wants to import {HOSTILE[hostile]}." in message
    assert "nothing of this one was run" in message
    assert len(message.splitlines()) == 1
    assert not made.exists()


def test_a_name_with_line_ends_stays_one_line(tmp_path):
    data = b"\x80\x04" + text("os\nTraceback") + text("x" * 5000) + b"\x93."
    with pytest.raises(SourceError, match=r"wants to import os\\nTraceback\.x") as caught:
        load_plain(write(tmp_path, data))
    assert len(str(caught.value)) < 500


def test_a_class_of_measurements_is_refused_by_name(tmp_path):
    import pandas as pd

    path = write(tmp_path, pickle.dumps({"cycle_data": pd.DataFrame({"V": [3.0]})}))
    with pytest.raises(SourceError, match=r"wants to import pandas\.\S*DataFrame\. "):
        load_plain(path)


def test_an_extension_code_is_refused_where_one_is_registered(tmp_path, monkeypatch):
    import os

    code = 240
    monkeypatch.setitem(copyreg._inverted_registry, code, ("posix", "system"))
    monkeypatch.setitem(copyreg._extension_cache, code, os.system)
    made = tmp_path / "made"
    data = b"\x80\x02\x82" + bytes([code]) + text(f"touch {made}") + b"\x85R."
    with pytest.raises(SourceError, match="opcode EXT1 is not one of plain data"):
        load_plain(write(tmp_path, data))
    assert not made.exists()


@pytest.mark.parametrize(
    ("data", "opcode"),
    [
        (b"\x80\x04Pother file\n.", "PERSID"),
        (b"\x80\x04" + text("a") + b"Q.", "BINPERSID"),
        (b"\x80\x05\x97.", "NEXT_BUFFER"),
        (b"\x80\x04cbuiltins\nset\n)\x81.", "NEWOBJ"),
        (b"\x80\x04cbuiltins\nset\n)}\x92.", "NEWOBJ_EX"),
        (b"S'text'\n.", "STRING"),
    ],
)
def test_opcodes_that_no_plain_data_need_are_refused(tmp_path, data, opcode):
    with pytest.raises(SourceError, match=f"opcode {opcode} is not one of plain data"):
        load_plain(write(tmp_path, data))


@pytest.mark.parametrize(
    "target", [b"cbuiltins\nset\n", b"cnumpy\nndarray\n", b"ccollections\nOrderedDict\n", b"}"]
)
def test_attributes_are_set_on_nothing(tmp_path, target):
    state = b"}" + text("__doc__") + text("taken over") + b"s"
    with pytest.raises(SourceError, match="a state for "):
        load_plain(write(tmp_path, b"\x80\x04" + target + b"N" + state + b"\x86b."))


DTYPE = (
    b"cnumpy\ndtype\n" + text("f8") + b"\x89\x88\x87R"
    b"(K\x03" + text("<") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
)


def array_of(shape, content, code="f8"):
    """An array of float64, or another type, that declares a shape and has other content."""
    head = b"\x80\x04cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
    sizes = b"(" + b"".join(b"\x8a\x08" + struct.pack("<q", size) for size in shape) + b"t"
    return (
        head
        + b"(K\x01"
        + sizes
        + DTYPE.replace(text("f8"), text(code))
        + b"\x89"
        + content
        + b"tb."
    )


def eight_bytes():
    return b"C\x08" + struct.pack("<d", 2.5)


def test_the_made_array_is_read_where_its_size_is_right(tmp_path):
    loaded = load_plain(write(tmp_path, array_of((1, 1), eight_bytes())))
    assert_array_equal(loaded.values, [[2.5]])


def nested_tuples(depth):
    return b"\x80\x04})" + b"\x85" * depth + b"Ns."


def tuples_of_tuples(levels):
    """A tuple whose hash visits 2**levels values."""
    twice = b"".join(b"h" + bytes([level]) + b"\x86\x94" for level in range(levels))
    return b"\x80\x04})\x94" + twice + b"Ns."


def the_same_list_copied(times):
    long_list = b"]\x94(" + b"N" * 100_000 + b"e"
    copy = b"ccollections\ndeque\nh\x00\x85R"
    return b"\x80\x04(" + long_list + copy * times + b"t."


GREEDY = {
    "bytearray of a terabyte": (
        b"\x80\x04cbuiltins\nbytearray\n\x8a\x06" + struct.pack("<q", 10**12)[:6] + b"\x85R.",
        "bytes made of int",
    ),
    "declared bytearray": (b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b"x.", "declares"),
    "declared text": (b"\x80\x04\x8d" + struct.pack("<Q", 2**62) + b"x.", "declares"),
    "declared bytes": (b"\x80\x04B" + struct.pack("<I", 2**32 - 1) + b"x.", "declares"),
    "declared number": (b"\x80\x04\x8b" + struct.pack("<i", 2**31 - 1) + b"x.", "declares"),
    "array of a petabyte": (array_of((2**25, 2**27), eight_bytes()), "declares 3.6.*has 8"),
    "array of more numbers than it has": (array_of((2,), eight_bytes()), "declares 16 bytes"),
    "array of negative size": (array_of((-1, -1), eight_bytes()), "shape"),
    "array of many dimensions": (array_of((1,) * 200, eight_bytes()), "shape"),
    "array of objects": (array_of((1,), b"]N\x61"), "found Python objects"),
    "type of objects": (pickle.dumps(np.array([{}], object)), "numpy type 'O8'"),
    "endless empty text": (array_of((2**62,), b"C\x00", "U0"), "array of empty text"),
    "text of a gigabyte": (array_of((1,), eight_bytes(), "U250000000"), r"declares 1e\+09 bytes"),
    "text of no characters": (pickle.dumps(np.str_("a")).replace(b"a\0\0\0", b"\xff" * 4), "range"),
    "type of fields": (pickle.dumps(np.zeros(1, "f8,i4")), "numpy type 'V12'"),
    "nested tuple for a key": (nested_tuples(200_000), "key must be text or a number"),
    "tuple of endless hash": (tuples_of_tuples(60), "key must be text or a number"),
    "list copied again and again": (the_same_list_copied(200), "copies its values"),
}


@pytest.mark.parametrize("name", GREEDY)
def test_a_greedy_pickle_is_refused_before_it_takes_memory(tmp_path, name):
    data, match = GREEDY[name]
    path = write(tmp_path, data)
    tracemalloc.start()
    try:
        with pytest.raises(SourceError, match=match) as caught:
            load_plain(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(str(caught.value)) < 400
    # A tuple takes 56 bytes, in the file one.
    assert peak < 2e6 + 120 * len(data)


def test_a_far_place_in_the_memo_and_a_long_frame_take_no_memory(tmp_path):
    frame = b"\x95" + struct.pack("<Q", 2**50)
    data = b"\x80\x04" + frame + text("a") + b"r" + struct.pack("<I", 2**32 - 1) + b"."
    tracemalloc.start()
    assert load_plain(write(tmp_path, data)) == "a"
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1e6


def test_deeply_nested_lists_are_read(tmp_path):
    loaded = load_plain(write(tmp_path, b"\x80\x04" + b"]" * 10**5 + b"a" * (10**5 - 1) + b"."))
    assert type(loaded[0][0][0]) is list


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "byte 0: .*a part is missing"),
        (b"\x80\x04", "byte 2: .*a part is missing"),
        (b"\x80\x09N.", r"byte \d+: .*(pickle protocol 9, known up to 5)"),
        (b"\x80\x04\xff.", r"byte \d+: .*(unknown opcode 0xff)"),
        (b"\x80\x04G\x00\x00.", r"byte \d+: .*(ends in the middle of a number)"),
        (b"\x80\x04h\x07.", r"byte \d+: .*(a part is missing)"),
        (b"\x80\x04a.", r"byte \d+: .*(a value is missing)"),
        (b"\x80\x04N(a.", r"byte \d+: .*(a value is missing)"),
        (b"\x80\x04NN\x61.", r"byte \d+: .*(NoneType in place of list)"),
        (b"\x80\x04NR.", r"byte \d+: .*(a value is missing)"),
        (b"\x80\x04N)R.", r"byte \d+: .*(a call of NoneType)"),
        (b"\x80\x04cnumpy\nndarray\n)R.", r"byte \d+: .*(a call of Marker)"),
        (b"voltage,current\n3.3,1.5\n", r"byte \d+: .*(opcode|unknown)"),
    ],
)
def test_damage_names_file_and_byte(tmp_path, data, match):
    with pytest.raises(SourceError, match=rf"cell\.pkl, {match}"):
        load_plain(write(tmp_path, data))


def test_a_folder_in_place_of_a_file_is_refused(tmp_path):
    with pytest.raises(SourceError, match="cannot be read"):
        load_plain(tmp_path)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_damaged_bytes_are_read_or_refused_in_one_line(tmp_path, protocol):
    content = {"cycle_data": [{"t": [1.0, 2.0, None], "a": np.arange(3.0), "s": np.float64(2)}]}
    good = pickle.dumps(content | {"set": {1}, "tuple": (1, 2), "big": 2**70}, protocol)
    generator = np.random.default_rng(protocol)
    num_read, messages = 0, []
    for _ in range(300):
        data = bytearray(good)
        for place in generator.integers(0, len(data), generator.integers(1, 4)):
            data[place] = generator.integers(0, 256)
        kept = len(data) if generator.random() < 0.8 else generator.integers(0, len(data))
        path = write(tmp_path, bytes(data[:kept]))
        try:
            load_plain(path)
            num_read += 1
        except SourceError as error:
            messages.append(str(error))
    assert num_read > 10
    assert len(messages) > 200
    assert {len(message.splitlines()) for message in messages} == {1}
