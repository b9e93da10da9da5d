"""Each equation of the paper is named in one docstring, mapped in docs/paper_map.md, and tested."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("data_prep", "rcvae_tf", "tuning")
PARTS = [*(f"Eq. {number}" for number in range(1, 20)), "Algorithm 1", "Algorithm 2"]
NAMED = re.compile(
    r"^\s*Paper: (?:Eqs?\. (?P<equations>\d+(?:, \d+)*)|Algorithm (?P<algorithm>\d+))"
)


def definitions(tree, prefix=""):
    """Functions and classes of a module with their qualified names."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{prefix}{node.name}"
            yield name, node
            yield from definitions(node, f"{name}.")


def parse(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def parts_of(docstring):
    """Equations and algorithms that a docstring names: `Paper: Eqs. 4, 5.` gives two."""
    for line in docstring.splitlines():
        if not line.lstrip().startswith("Paper:"):
            continue
        named = NAMED.match(line)
        assert named, f"names neither an equation nor an algorithm: {line.strip()}"
        if named["algorithm"]:
            yield f"Algorithm {named['algorithm']}"
        else:
            yield from (f"Eq. {number}" for number in named["equations"].split(", "))


def named_in_the_code():
    """`{"Eq. 4": ["rcvae_tf.model.layers:ConditionEmbedding.call"], ...}`."""
    places = defaultdict(list)
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            for name, node in definitions(parse(path)):
                for part in parts_of(ast.get_docstring(node) or ""):
                    assert not isinstance(node, ast.ClassDef), f"{name}: name it at a function"
                    places[part].append(f"{module}:{name}")
    return dict(places)


def rows_of_the_map():
    """Cells of every table row that holds code and a test."""
    text = (ROOT / "docs" / "paper_map.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    return [row for row in rows if len(row) > 2 and "::" in row[-1]]


ROWS = rows_of_the_map()


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        ("A rule.\n\nPaper: Eq. 14.", ["Eq. 14"]),
        ("A rule.\n\n    Paper: Eqs. 4, 5.", ["Eq. 4", "Eq. 5"]),
        ("A rule.\n\nPaper: Eq. 16, whose sum over j is elsewhere.", ["Eq. 16"]),
        ("Paper: Algorithm 1.", ["Algorithm 1"]),
        ("The distance of Eq. 14, as in the Paper: no.", []),
    ],
)
def test_docstrings_are_read_as_they_are_written(docstring, expected):
    assert list(parts_of(docstring)) == expected


def test_every_equation_and_algorithm_is_named_in_one_docstring():
    places = named_in_the_code()
    assert {part: len(places.get(part, [])) for part in PARTS} == dict.fromkeys(PARTS, 1)
    assert sorted(places) == sorted(PARTS)


def test_the_map_lists_what_the_docstrings_name():
    mapped = {row[0]: row[2].strip("`") for row in ROWS if row[0] in PARTS}
    assert mapped == {part: place for part, (place,) in named_in_the_code().items()}


def test_the_map_lists_each_part_once_and_in_order():
    assert [row[0] for row in ROWS if row[0] in PARTS] == PARTS


def numbered(kind):
    """Numbers of the tables or figures that the map has rows for: "Figs. 7, S6, ..." gives two."""
    found = []
    for row in ROWS:
        if named := re.match(rf"{kind}s?\.? (S?\d+(?:, S?\d+)*)", row[0]):
            found += named[1].split(", ")
    return set(found)


def test_every_table_and_every_figure_of_the_paper_has_a_row():
    assert numbered("Table") == {"1", "2", "S1", "S2"}
    main, supplement = range(1, 8), range(1, 7)
    assert numbered("Fig") == {*map(str, main), *(f"S{number}" for number in supplement)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_code_and_test_of_a_row_exist(row):
    module, name = row[-2].strip("`").split(":")
    source = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    assert name in dict(definitions(parse(source)))
    path, test = row[-1].strip("`").split("::")
    assert test in dict(definitions(parse(ROOT / path)))
