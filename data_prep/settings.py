"""Settings as frozen dataclasses: a field states default, range and help; flags follow from it."""

import argparse
import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from data_prep.errors import SettingsError

SettingsType = TypeVar("SettingsType")


def setting(
    default: Any = dataclasses.MISSING,
    *,
    help: str,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] | None = None,
) -> Any:
    """A dataclass field that knows its range and its line of help.

    Args:
        default: Value when none is given; without one the setting is required.
        help: One line for `--help`, with the unit.
        minimum: Smallest value allowed, itself included.
        maximum: Largest value allowed, itself included.
        choices: The words allowed, for a text setting.

    Returns:
        What `dataclasses.field` returns.
    """
    metadata = {"help": help, "minimum": minimum, "maximum": maximum, "choices": choices}
    return dataclasses.field(default=default, metadata=metadata)


def validate(settings: Any) -> None:
    """Checks every field of a settings dataclass against its type and range.

    Raises:
        SettingsError: Names the field, what was expected and what was received.
    """
    hints = typing.get_type_hints(type(settings))
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        base, optional = _base_type(hints[field.name])
        if value is None and optional:
            continue
        expected = _expectation(base, field.metadata)
        if not _fits(value, base, field.metadata):
            raise SettingsError(
                f"`{field.name}` must be {expected}. Received: {field.name}={value!r}."
            )


def add_flags(
    parser: argparse.ArgumentParser | argparse._ArgumentGroup, settings_class: type
) -> None:
    """Adds one flag for every field of a settings dataclass, with its default and help."""
    hints = typing.get_type_hints(settings_class)
    for field in dataclasses.fields(settings_class):
        base, _ = _base_type(hints[field.name])
        flag = "--" + field.name.replace("_", "-")
        required = field.default is dataclasses.MISSING
        default = argparse.SUPPRESS
        help_text = field.metadata["help"]
        if not required and field.default is not None and base is not tuple:
            help_text += f" (default: {field.default})"
        bounds = (field.metadata["minimum"], field.metadata["maximum"])
        if bounds != (None, None):
            help_text += f"; {_expectation(base, field.metadata)}"
        common: dict[str, Any] = {"default": default, "help": help_text.replace("%", "%%")}
        if base is bool:
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, **common)
        elif base is tuple:
            parser.add_argument(flag, type=_words, metavar="A,B", required=required, **common)
        else:
            choices = field.metadata["choices"]
            metavar = None if choices else base.__name__.upper()
            parser.add_argument(
                flag, type=base, choices=choices, metavar=metavar, required=required, **common
            )


def given_flags(settings_class: type, arguments: argparse.Namespace) -> dict[str, Any]:
    """The settings that the user typed; those left out are absent, not at their default."""
    names = {field.name for field in dataclasses.fields(settings_class)}
    return {name: value for name, value in vars(arguments).items() if name in names}


def to_dict(settings: Any) -> dict[str, Any]:
    """A settings dataclass as JSON-ready values; tuples become lists."""
    values = dataclasses.asdict(settings)
    return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}


def from_dict(settings_class: type[SettingsType], values: Mapping[str, Any]) -> SettingsType:
    """The inverse of `to_dict`.

    Raises:
        SettingsError: A name that the dataclass does not have, or a value out of its range.
    """
    names = [field.name for field in dataclasses.fields(settings_class)]  # type: ignore[arg-type]
    unknown = sorted(set(values) - set(names))
    if unknown:
        raise SettingsError(
            f"unknown setting `{unknown[0]}` for {settings_class.__name__}. "
            f"Known settings: {', '.join(names)}."
        )
    fitted = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    return settings_class(**fitted)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _base_type(hint: Any) -> tuple[type, bool]:
    """The plain type of an annotation, and whether None is allowed: `int | None` -> (int, True)."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        (inner,) = [a for a in typing.get_args(hint) if a is not type(None)]
        return _base_type(inner)[0], True
    return typing.get_origin(hint) or hint, False


def _fits(value: Any, base: type, metadata: Mapping[str, Any]) -> bool:
    if base is float and type(value) is int:
        value = float(value)
    if type(value) is not base:
        return False
    if isinstance(value, float) and not math.isfinite(value):
        return False
    minimum, maximum, choices = metadata["minimum"], metadata["maximum"], metadata["choices"]
    if minimum is not None and value < minimum or maximum is not None and value > maximum:
        return False
    return choices is None or value in choices


def _expectation(base: type, metadata: Mapping[str, Any]) -> str:
    minimum, maximum, choices = metadata["minimum"], metadata["maximum"], metadata["choices"]
    if choices is not None:
        return "one of " + ", ".join(choices)
    kind = {int: "an integer", float: "a number", bool: "true or false", str: "text"}.get(
        base, "a list of words"
    )
    if minimum is not None and maximum is not None:
        return f"{kind} from {_limit(minimum)} to {_limit(maximum)}"
    if minimum is not None:
        return f"{kind} of {_limit(minimum)} or more"
    return kind if maximum is None else f"{kind} of {_limit(maximum)} or less"


def _limit(value: float) -> str:
    """A whole number in full: 2147483647 is no 2.14748e+09."""
    return str(value) if isinstance(value, int) else f"{value:g}"
