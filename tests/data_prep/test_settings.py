import argparse
from dataclasses import dataclass

import pytest

from data_prep.command_line import Parser
from data_prep.config import PrepConfig
from data_prep.errors import SettingsError
from data_prep.settings import add_flags, from_dict, given_flags, setting, to_dict, validate


@dataclass(frozen=True)
class Example:
    name: str = setting(help="required text")
    count: int = setting(3, help="cycles", minimum=1, maximum=9)
    share: float = setting(0.5, help="share, 50% by default", minimum=0.0)
    top: float = setting(1.0, help="at most 2", maximum=2.0)
    limit: float | None = setting(None, help="may be absent")
    mode: str = setting("a", help="one of two", choices=("a", "b"))
    quick: bool = setting(False, help="a switch")
    words: tuple[str, ...] = setting((), help="a list")

    def __post_init__(self):
        validate(self)


def parsed(*argv):
    parser = Parser(prog="example")
    add_flags(parser, Example)
    return given_flags(Example, parser.parse_args(argv))


def test_limits_are_allowed_themselves():
    assert (Example("x", count=1).count, Example("x", count=9).count) == (1, 9)
    assert (Example("x", share=0.0).share, Example("x", top=2.0).top) == (0.0, 2.0)


def test_a_whole_number_is_a_number():
    assert Example("x", share=2).share == 2


def test_none_is_allowed_where_the_type_says_so_and_only_there():
    assert Example("x", limit=None).limit is None
    with pytest.raises(SettingsError, match=r"`count` must be .* Received: count=None\."):
        Example("x", count=None)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"count": 0}, r"`count` must be an integer from 1 to 9\. Received: count=0\."),
        ({"count": 10}, r"`count` must be an integer from 1 to 9\. Received: count=10\."),
        ({"count": 2.0}, r"`count` must be an integer from 1 to 9\. Received: count=2\.0\."),
        ({"count": True}, r"Received: count=True\."),
        ({"count": "4"}, r"Received: count='4'\."),
        ({"share": -0.1}, r"`share` must be a number of 0 or more\. Received: share=-0\.1\."),
        ({"share": float("nan")}, r"Received: share=nan\."),
        ({"share": float("inf")}, r"Received: share=inf\."),
        ({"top": 2.5}, r"`top` must be a number of 2 or less\. Received: top=2\.5\."),
        ({"limit": "3"}, r"`limit` must be a number\. Received: limit='3'\."),
        ({"mode": "c"}, r"`mode` must be one of a, b\. Received: mode='c'\."),
        ({"quick": 1}, r"`quick` must be true or false\. Received: quick=1\."),
        ({"words": "a,b"}, r"`words` must be a list of words\. Received: words='a,b'\."),
        ({"name": 5}, r"`name` must be text\. Received: name=5\."),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_what_was_expected(settings, message):
    with pytest.raises(SettingsError, match=message):
        Example(**{"name": "x"} | settings)


def test_flags_give_what_was_typed_and_nothing_else():
    assert parsed("--name", "x", "--count", "4") == {"name": "x", "count": 4}


def test_every_kind_of_flag():
    argv = ["--name", "x", "--share", "0.25", "--limit", "2", "--mode", "b"]
    typed = parsed(*argv, "--quick", "--words", "b1c0, b1c1,")
    assert typed == {
        "name": "x",
        "share": 0.25,
        "limit": 2.0,
        "mode": "b",
        "quick": True,
        "words": ("b1c0", "b1c1"),
    }
    assert parsed("--name", "x", "--no-quick") == {"name": "x", "quick": False}


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "the following arguments are required: --name"),
        (["--name", "x", "--count", "four"], "invalid int value: 'four'"),
        (["--name", "x", "--mode", "c"], "invalid choice: 'c'"),
        (["--name", "x", "--colour", "red"], "unrecognized arguments: --colour red"),
    ],
)
def test_a_flag_that_does_not_fit_ends_with_2_and_one_line(capsys, argv, message):
    with pytest.raises(SystemExit) as stop:
        parsed(*argv)
    assert stop.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert line.endswith("(see example --help)")


def test_help_shows_defaults_and_a_percent_sign(capsys):
    with pytest.raises(SystemExit) as stop:
        parsed("--help")
    assert stop.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "cycles (default: 3)" in text
    assert "share, 50% by default (default: 0.5)" in text
    assert "may be absent --mode" in text


def test_other_arguments_of_a_command_are_no_settings():
    assert given_flags(Example, argparse.Namespace(count=2, port=80)) == {"count": 2}


def test_to_dict_and_back():
    example = Example("x", limit=0.5, words=("a", "b"))
    assert to_dict(example)["words"] == ["a", "b"]
    assert from_dict(Example, to_dict(example)) == example


def test_an_unknown_setting_is_named_with_those_that_exist():
    with pytest.raises(SettingsError, match="unknown setting `colour` for Example.*name, count"):
        from_dict(Example, {"name": "x", "colour": "red"})


def test_defaults_of_a_preparation():
    config = PrepConfig()
    assert (config.source, config.cycles, config.split, config.seed) == ("auto", 100, "sample", 0)
    assert (config.height, config.width, config.num_points) == (16, 16, 256)
    assert (config.eol_threshold, config.eol_fallback) == (0.8, "drop")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cycles": 0}, "`cycles` must be an integer of 1 or more. Received: cycles=0"),
        ({"height": 1}, "`height` must be an integer from 2 to 128. Received: height=1"),
        ({"width": 129}, "Received: width=129"),
        ({"eol_threshold": 0.04}, "from 0.05 to 1. Received: eol_threshold=0.04"),
        ({"eol_threshold": 1.1}, "Received: eol_threshold=1.1"),
        ({"eol_fallback": "guess"}, "one of drop, last. Received: eol_fallback='guess'"),
        ({"source": "csv"}, "one of auto, matr, nasa, bdf,.* Received: source='csv'"),
        ({"split": "time"}, "one of sample, cell. Received: split='time'"),
        ({"seed": -1}, "Received: seed=-1"),
        ({"nominal_capacity_ah": 0.0}, "Received: nominal_capacity_ah=0.0"),
    ],
)
def test_a_preparation_refuses(settings, message):
    with pytest.raises(SettingsError, match=message):
        PrepConfig(**settings)


def test_a_large_limit_is_told_in_full():
    @dataclass(frozen=True)
    class Seeded:
        seed: int = setting(1, minimum=1, maximum=2**31 - 1, help="seed")

        def __post_init__(self):
            validate(self)

    with pytest.raises(SettingsError, match="an integer from 1 to 2147483647. Received: seed=0"):
        Seeded(seed=0)
