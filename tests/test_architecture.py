"""Who may import whom; read from the sources."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("data_prep", "rcvae_tf", "tuning")
# Parse, call one function, print one result; everything else is a room that knows no command line.
COMMANDS = {
    "data_prep.__main__",
    "data_prep.simulate",
    "rcvae_tf.ablate",
    "rcvae_tf.assess",
    "rcvae_tf.evaluate",
    "rcvae_tf.export",
    "rcvae_tf.generate",
    "rcvae_tf.report.__main__",
    "rcvae_tf.reproduce",
    "rcvae_tf.serve",
    "rcvae_tf.train",
    "tuning.__main__",
}
# They make the flags and the parser; that is their work.
COMMAND_LINE_MODULES = {"data_prep.command_line", "data_prep.settings"}
# The steps of the preparation; `data_prep.cell_work` and `data_prep.pipeline` call them in order.
STAGES = {
    f"data_prep.{name}"
    for name in (
        "end_of_life",
        "charges.clock",
        "charges.segmentation",
        "cleaning.checks",
        "resampling",
        "quasi_video",
        "splitting",
        "scaling",
    )
}
# What several readers share; each reader has a room (or a module) of its own beside it.
SHARED_BY_READERS = {"base", "cycler", "pickles"}
# A server has the graph; it neither makes nor trains a model.
FORBIDDEN_IN_SERVING = (
    *("keras", "rcvae_tf.model", "rcvae_tf.run", "rcvae_tf.training", "rcvae_tf.exporting"),
    *("rcvae_tf.evaluation", "rcvae_tf.dataset"),
)
# What a report may know: names, arrays, files. No model, no run, no TensorFlow.
FORBIDDEN_IN_REPORT = ("tensorflow", "keras", "rcvae_tf.model", "rcvae_tf.run", "rcvae_tf.training")


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {
    module_name(path): path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in SOURCES.items()}


def targets(node):
    """Modules that an import statement names; `from package import module` names the module."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    names = {f"{node.module}.{alias.name}" for alias in node.names}
    modules = {name for name in names if name in SOURCES}
    return modules or {node.module}


def statements(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]


def imports(name):
    """Every module that a module imports, wherever in its text."""
    return set().union(*(targets(node) for node in statements(TREES[name])))


def imports_at_load(name):
    """Modules imported while a module is loaded: not in functions, not for type checks alone."""
    found = set()

    def visit(node):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            return
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.update(targets(node))
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(TREES[name])
    return found


def is_in(name, package):
    return name == package or name.startswith(f"{package}.")


def offenders(modules, forbidden):
    return sorted(
        f"{name} imports {target}"
        for name in modules
        for target in imports(name)
        if any(is_in(target, package) for package in forbidden)
    )


def modules_of(package):
    return [name for name in SOURCES if is_in(name, package)]


def loaded_by(statement):
    """Names of the modules that are loaded once a statement has run in a fresh interpreter."""
    code = f"import sys; {statement}; print(*sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(answer.stdout.split())


def test_the_sources_are_found():
    assert {"data_prep.pipeline", "rcvae_tf.model.rcvae", "rcvae_tf.train"} <= set(SOURCES)
    assert set(SOURCES) >= COMMANDS | COMMAND_LINE_MODULES
    assert "data_prep.shards" in imports("rcvae_tf.dataset")
    assert "tensorflow" not in imports_at_load("rcvae_tf.dataset")
    assert "tensorflow" in imports("rcvae_tf.dataset")


def test_preparation_knows_neither_model_nor_search():
    assert offenders(modules_of("data_prep"), ["rcvae_tf", "tuning"]) == []


def test_model_does_not_know_the_search():
    assert offenders(modules_of("rcvae_tf"), ["tuning"]) == []


def test_shards_are_read_in_one_place():
    others = [n for n in SOURCES if not is_in(n, "data_prep") and n != "rcvae_tf.dataset"]
    assert offenders(others, ["data_prep.shards"]) == []


def test_a_stage_never_imports_another():
    assert set(SOURCES) >= STAGES
    assert offenders(STAGES, STAGES) == []


def room_of_reader(name):
    """`bdf` of `data_prep.sources.bdf.columns`; empty outside the sources."""
    parts = name.split(".")
    return parts[2] if name.startswith("data_prep.sources.") else ""


def test_readers_of_sources_do_not_know_each_other():
    pairs = {
        (room_of_reader(name), room_of_reader(target))
        for name in modules_of("data_prep.sources")
        for target in imports(name)
        if room_of_reader(name) not in ("", "detection", *SHARED_BY_READERS)
    }
    strangers = {pair for pair in pairs if pair[1] not in ("", pair[0], *SHARED_BY_READERS)}
    # The demo is a file in the layout of MATR.
    assert strangers == {("demo", "matr")}


def test_what_readers_share_knows_no_reader():
    shared = [n for n in SOURCES if room_of_reader(n) in SHARED_BY_READERS]
    rooms = {room_of_reader(target) for name in shared for target in imports(name)}
    assert rooms <= {"", *SHARED_BY_READERS}


def test_readers_know_nothing_of_what_comes_after_them():
    known = {
        target
        for name in modules_of("data_prep.sources")
        for target in imports(name)
        if target in SOURCES and not is_in(target, "data_prep.sources")
    }
    # Cycles are counted by what segmentation takes for a discharge, on a mended clock.
    assert known <= {
        "data_prep.records",
        "data_prep.errors",
        "data_prep.charges.clock",
        "data_prep.charges.swings",
        # A data set of our own is read by what wrote it.
        "data_prep.dataset_card",
        "data_prep.shards",
    }


def test_reports_know_no_model():
    assert offenders(modules_of("rcvae_tf.report"), FORBIDDEN_IN_REPORT) == []


def test_the_server_knows_no_training():
    served = [*modules_of("rcvae_tf.serving"), *modules_of("rcvae_tf.servable")]
    assert offenders(served, FORBIDDEN_IN_SERVING) == []
    rooms = ", ".join(served)
    loaded = loaded_by(f"import rcvae_tf.serve, {rooms}")
    assert loaded & {"tensorflow", *FORBIDDEN_IN_SERVING} == set()


def test_rooms_know_no_command_line():
    rooms = [name for name in SOURCES if name not in COMMANDS | COMMAND_LINE_MODULES]
    assert offenders(rooms, ["argparse", "data_prep.command_line"]) == []


def test_no_room_imports_a_command():
    # `python -m rcvae_tf.train` would load such a module twice.
    assert offenders(SOURCES, COMMANDS) == []


@pytest.mark.parametrize("name", SOURCES)
def test_imports_are_absolute_and_named(name):
    for node in statements(TREES[name]):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, ast.unparse(node)
        assert all(alias.name != "*" for alias in node.names), ast.unparse(node)


def test_no_modules_import_each_other_in_a_circle():
    graph = {
        name: {target for target in imports_at_load(name) if target in SOURCES and target != name}
        for name in SOURCES
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_light_modules_load_no_tensorflow():
    reports = sorted(modules_of("rcvae_tf.report"))
    light = ", ".join([*reports, "data_prep.pipeline", "rcvae_tf.presets", "rcvae_tf.conditions"])
    loaded = loaded_by(f"import rcvae_tf, rcvae_tf.run_directory, {light}")
    heavy = {"tensorflow", "keras", "matplotlib", "sklearn", "pybamm"}
    assert loaded & heavy == set()
    assert "rcvae_tf.report.figures" in loaded


def test_model_side_reads_no_measurement_files():
    assert offenders(modules_of("rcvae_tf"), ["h5py", "data_prep.sources"]) == []
    # TensorFlow's Keras loads h5py by itself; what is light must not.
    loaded = loaded_by("import rcvae_tf, rcvae_tf.run, rcvae_tf.dataset, rcvae_tf.physical")
    assert "h5py" not in loaded
