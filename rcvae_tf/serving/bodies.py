"""Bodies of `:predict`, by row or by column, as TensorFlow Serving has them."""

import itertools
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from data_prep.protocol import MAX_C_RATE
from data_prep.records import MOST_CYCLES
from rcvae_tf.servable.layout import ECL, EOL, POLICY_STEPS, SERVING_DEFAULT
from rcvae_tf.serving.errors import BadRequest
from rcvae_tf.serving.served_model import Rows
from rcvae_tf.serving.signatures import TensorSpec

INSTANCES, INPUTS, SIGNATURE_NAME = "instances", "inputs", "signature_name"
# What numbers mean here, beyond their type.
BOUNDS: dict[str, tuple[float, float]] = {
    EOL: (1, MOST_CYCLES),
    ECL: (1, MOST_CYCLES),
    POLICY_STEPS: (0, MAX_C_RATE),
}
SHOWN = 60  # characters of what was received


class Body(NamedTuple):
    """A request before its numbers were looked at.

    Args:
        signature_name: As asked, or the default.
        by_row: Whether the rows come one by one.
        values: What stands there.
    """

    signature_name: str
    by_row: bool
    values: Any


def parse_body(body: bytes) -> Body:
    """Reads JSON.

    Raises:
        BadRequest: Not JSON, or not an object with `instances` or `inputs`.
    """
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON: {error}.") from error
    expected = f'expected {{"{INSTANCES}": [...]}} or {{"{INPUTS}": {{...}}}}'
    if not isinstance(parsed, dict):
        raise BadRequest(f"the body is {_kind(parsed)}, {expected}.")
    for name in parsed:
        if name not in (INSTANCES, INPUTS, SIGNATURE_NAME):
            raise BadRequest(f"{_shown(name)}: no such field, {expected} and {SIGNATURE_NAME}.")
    if (INSTANCES in parsed) == (INPUTS in parsed):
        both = "both" if INPUTS in parsed else "none"
        raise BadRequest(f"{both} of {INSTANCES} and {INPUTS} are given, {expected}.")
    signature_name = parsed.get(SIGNATURE_NAME, "")
    if not isinstance(signature_name, str):
        raise BadRequest(f"{SIGNATURE_NAME}: is {_kind(signature_name)}, expected a text.")
    by_row = INSTANCES in parsed
    values = parsed[INSTANCES if by_row else INPUTS]
    return Body(signature_name or SERVING_DEFAULT, by_row, values)


def rows_of(body: Body, specs: Mapping[str, TensorSpec], most_rows: int) -> Rows:
    """The arrays that a signature takes.

    Args:
        body: From `parse_body`.
        specs: Inputs of the signature.
        most_rows: That a request may have.

    Raises:
        BadRequest: A name, a type, a shape or a number that does not fit; names the field.
    """
    columns = _by_column(body.values, specs, most_rows) if body.by_row else body.values
    if not isinstance(columns, dict):
        raise BadRequest(f"{INPUTS}: is {_kind(columns)}, expected an object of arrays by name.")
    _check_names(columns, specs, INPUTS)
    counts = {}
    for name in specs:
        if not isinstance(columns[name], list):
            raise BadRequest(f"{name}: is {_kind(columns[name])}, expected an array of rows.")
        counts[name] = len(columns[name])
    num_rows = max(counts.values())
    for name, count in counts.items():
        if count != num_rows:
            raise BadRequest(f"{name}: has {count} rows, others have {num_rows}; expected as many.")
    _check_count(num_rows, most_rows)
    return {name: _array(columns[name], spec) for name, spec in specs.items()}


def _by_column(instances: Any, specs: Mapping[str, TensorSpec], most_rows: int) -> dict[str, list]:
    if not isinstance(instances, list):
        raise BadRequest(f"{INSTANCES}: is {_kind(instances)}, expected an array of objects.")
    _check_count(len(instances), most_rows)
    for number, row in enumerate(instances):
        if not isinstance(row, dict):
            raise BadRequest(
                f"{INSTANCES}[{number}]: is {_kind(row)}, expected an object with "
                f"{', '.join(specs)}."
            )
        _check_names(row, specs, f"{INSTANCES}[{number}]")
    return {name: [row[name] for row in instances] for name in specs}


def _check_names(given: dict[str, Any], specs: Mapping[str, TensorSpec], where: str) -> None:
    if given.keys() == specs.keys():
        return
    for name in specs:
        if name not in given:
            raise BadRequest(f"{where}: `{name}` is missing, expected {', '.join(specs)}.")
    unknown = next(name for name in given if name not in specs)
    raise BadRequest(f"{where}: {_shown(unknown)} is no input, expected {', '.join(specs)}.")


def _check_count(num_rows: int, most_rows: int) -> None:
    if not 1 <= num_rows <= most_rows:
        raise BadRequest(
            f"the request has {num_rows} rows, expected 1 to {most_rows}. Send several requests."
        )


def _array(rows: list, spec: TensorSpec) -> NDArray:
    """An array of the type and shape of a tensor."""
    whole = spec.dtype.kind == "i"
    _check_shape(rows, spec)
    flat = rows
    for _ in spec.row_shape:
        flat = list(itertools.chain.from_iterable(flat))
    # True is 1 in Python, and a number beyond 64 bits is read as another type.
    kinds = set(map(type, flat))
    if not kinds <= ({int} if whole else {int, float}):
        wrong = next(v for v in flat if type(v) not in ((int,) if whole else (int, float)))
        wanted = "a whole number of 64 bits" if whole else "a number"
        # Arrays and objects may be deeper than Python can show.
        is_deep = isinstance(wrong, list | dict)
        found = f"holds {_kind(wrong)}" if is_deep else f"{_shown(wrong)} is {_kind(wrong)}"
        raise BadRequest(f"{spec.name}: {found}, expected {wanted}.")
    low, high = BOUNDS.get(spec.name, _limits(spec.dtype))
    # Before there is an array: numpy has no place for what is too large.
    for value in (min(flat), max(flat)):
        if not low <= value <= high:
            raise BadRequest(
                f"{spec.name}: {value} is out of range, expected {low:.10g} to {high:.10g}."
            )
    return np.array(flat, spec.dtype).reshape(len(rows), *spec.row_shape)


@cache
def _limits(dtype: np.dtype) -> tuple[float, float]:
    if dtype.kind == "i":
        return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    return float(np.finfo(dtype).min), float(np.finfo(dtype).max)


def _check_shape(rows: list, spec: TensorSpec) -> None:
    level: Iterable[Any] = rows
    for depth, size in enumerate(spec.row_shape):
        for part in level:
            if not isinstance(part, list) or len(part) != size:
                got = f"{len(part)} values" if isinstance(part, list) else _kind(part)
                raise BadRequest(
                    f"{spec.name}: a row has {got} at level {depth + 1}, expected the shape "
                    f"{list(spec.row_shape)}."
                )
        level = itertools.chain.from_iterable(level)


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "an array", str: "a text", bool: "true or false"}
    return kinds.get(type(value), "null" if value is None else "a number")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
