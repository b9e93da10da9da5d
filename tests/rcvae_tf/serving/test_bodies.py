"""Bodies to arrays and back; what does not fit is named."""

import json

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from rcvae_tf.serving.answers import answer_body, answer_pieces
from rcvae_tf.serving.bodies import parse_body, rows_of
from rcvae_tf.serving.errors import BadRequest
from rcvae_tf.serving.signatures import TensorSpec

INT, FLOAT = np.dtype(np.int64), np.dtype(np.float32)
SPECS = {
    "eol": TensorSpec("eol", INT, ()),
    "seed": TensorSpec("seed", INT, ()),
    "z": TensorSpec("z", FLOAT, (2,)),
}
ROW = {"eol": 900, "seed": -3, "z": [0.5, 1]}


def read(body, most_rows=3):
    return rows_of(parse_body(json.dumps(body).encode()), SPECS, most_rows)


def test_both_forms_are_the_same_rows():
    by_row = read({"instances": [ROW, {**ROW, "eol": 5}]})
    by_column = read({"inputs": {"eol": [900, 5], "seed": [-3, -3], "z": [[0.5, 1], [0.5, 1]]}})
    for rows in (by_row, by_column):
        assert_array_equal(rows["eol"], [900, 5])
        assert_array_equal(rows["z"], [[0.5, 1.0], [0.5, 1.0]])
        assert {name: values.dtype for name, values in rows.items()} == {
            name: spec.dtype for name, spec in SPECS.items()
        }


@pytest.mark.parametrize("seed", [-(2**63), 2**63 - 1])
def test_the_whole_range_of_a_seed_comes_through(seed):
    assert read({"instances": [{**ROW, "seed": seed}]})["seed"][0] == seed


def test_the_signature_is_the_default_one_where_none_is_named():
    assert parse_body(b'{"instances": []}').signature_name == "serving_default"
    assert parse_body(b'{"instances": [], "signature_name": ""}').signature_name == (
        "serving_default"
    )
    assert parse_body(b'{"inputs": {}, "signature_name": "decode"}').signature_name == "decode"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the body is not JSON"),
        (b'{"instances": [', "the body is not JSON"),
        (b'{"instances": [{"eol": NaN}]}', "the body is not JSON"),
        (b'{"instances": [{"eol": 1e999}]}', "the body is not JSON: number is infinity"),
        (b"\xff\xfe", "the body is not JSON"),
        (b"[" * 100_000, "the body is not JSON"),
        (b"[1]", r"the body is an array, expected {\"instances\": \[...\]} or"),
        (b"null", "the body is null"),
        (b"{}", "none of instances and inputs are given"),
        (b'{"instances": [], "inputs": {}}', "both of instances and inputs are given"),
        (b'{"instances": [], "rows": 1}', "'rows': no such field, expected"),
        (b'{"instances": [], "signature_name": 5}', "signature_name: is a number, expected a text"),
    ],
)
def test_a_body_that_is_none_is_refused(body, message):
    with pytest.raises(BadRequest, match=message):
        parse_body(body)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"instances": {}}, "instances: is an object, expected an array of objects"),
        ({"instances": []}, "has 0 rows, expected 1 to 3"),
        ({"instances": [ROW] * 4}, "has 4 rows, expected 1 to 3. Send several requests"),
        ({"instances": [ROW, 5]}, r"instances\[1\]: is a number, expected an object with eol, se"),
        ({"instances": [{"eol": 1}]}, r"instances\[0\]: `seed` is missing, expected eol, seed, z"),
        ({"instances": [{**ROW, "x": 1}]}, r"instances\[0\]: 'x' is no input"),
        ({"inputs": []}, "inputs: is an array, expected an object of arrays by name"),
        ({"inputs": {"eol": [1]}}, "inputs: `seed` is missing"),
        ({"inputs": {"eol": 1, "seed": [1], "z": [[1, 2]]}}, "eol: is a number, expected an array"),
        (
            {"inputs": {"eol": [1, 2], "seed": [1], "z": [[1, 2]]}},
            "seed: has 1 rows, others have 2; expected as many",
        ),
        ({"instances": [{**ROW, "eol": 9.0}]}, "eol: 9.0 is a number, expected a whole number"),
        ({"instances": [{**ROW, "eol": "9"}]}, "eol: '9' is a text, expected a whole number"),
        ({"instances": [{**ROW, "eol": True}]}, "eol: True is true or false"),
        ({"instances": [{**ROW, "eol": None}]}, "eol: None is null"),
        ({"instances": [{**ROW, "eol": [9]}]}, "eol: holds an array"),
        ({"instances": [{**ROW, "eol": 0}]}, "eol: 0 is out of range, expected 1 to 1000000"),
        ({"instances": [{**ROW, "eol": 10**6 + 1}]}, "eol: 1000001 is out of range"),
        ({"instances": [{**ROW, "seed": 2**63}]}, "seed: 9223372036854775808 is out of range"),
        ({"instances": [{**ROW, "z": 5}]}, r"z: a row has a number at level 1, expected the sh"),
        ({"instances": [{**ROW, "z": [1]}]}, r"z: a row has 1 values at level 1, .* \[2\]"),
        ({"instances": [{**ROW, "z": [1, [2]]}]}, "z: holds an array, expected a number"),
        ({"instances": [{**ROW, "z": [1, 1e39]}]}, r"z: 1e\+39 is out of range"),
        ({"instances": [{**ROW, "z": [True, 1]}]}, "z: True is true or false"),
    ],
)
def test_what_does_not_fit_is_named(body, message):
    with pytest.raises(BadRequest, match=message):
        read(body)


def test_long_texts_are_cut_in_messages():
    with pytest.raises(BadRequest) as error:
        read({"instances": [{**ROW, "eol": "x" * 10_000}]})
    assert len(error.value.message) < 200


def test_the_answer_has_the_form_of_the_request():
    answer = {
        "voltage_v": np.array([[3.5, 3.6], [3.4, 3.3]], np.float32),
        "matched_eol": np.array([700, 800]),
        "in_support": np.array([True, False]),
    }
    assert json.loads(answer_body(answer, by_row=True)) == {
        "predictions": [
            {"voltage_v": [3.5, 3.6], "matched_eol": 700, "in_support": True},
            {"voltage_v": [3.4, 3.3], "matched_eol": 800, "in_support": False},
        ]
    }
    assert json.loads(answer_body(answer, by_row=False)) == {
        "outputs": {
            "voltage_v": [[3.5, 3.6], [3.4, 3.3]],
            "matched_eol": [700, 800],
            "in_support": [True, False],
        }
    }


def test_numbers_come_back_to_the_last_bit():
    values = np.random.default_rng(0).normal(size=(2, 500)).astype(np.float32)
    text = answer_body({"x": values[:, ::2]}, by_row=False)
    assert_array_equal(np.array(json.loads(text)["outputs"]["x"], np.float32), values[:, ::2])


@pytest.mark.parametrize("by_row", [True, False])
@pytest.mark.parametrize("num_rows", [1, 128, 129, 300])
def test_pieces_of_a_large_answer_are_the_whole_of_it(by_row, num_rows):
    rng = np.random.default_rng(num_rows)
    answer = {
        "voltage_v": rng.normal(size=(num_rows, 4)).astype(np.float32),
        "in_support": rng.normal(size=num_rows) > 0,
        "matched_eol": rng.integers(0, 9, num_rows),
    }
    pieces = list(answer_pieces(answer, by_row))
    assert len(pieces) > 1 or num_rows <= 128
    assert b"".join(pieces) == answer_body(answer, by_row)


def test_an_array_deeper_than_python_can_show_is_named():
    deep = b'{"inputs":{"eol":[' + b"[" * 1000 + b"]" * 1000 + b'],"ecl":[1],"seed":[1]}}'
    specs = {name: TensorSpec(name, np.dtype(np.int64), ()) for name in ("eol", "ecl", "seed")}
    with pytest.raises(BadRequest, match="eol: holds an array, expected a whole number"):
        rows_of(parse_body(deep), specs, 8)
