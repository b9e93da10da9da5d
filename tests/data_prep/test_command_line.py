import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from data_prep import command_line
from data_prep.errors import SourceError
from data_prep.sources import SOURCES
from tests.builders import one_error_line

CHECKOUT = Path(__file__).resolve().parents[2]
HEAVY = ("tensorflow", "keras", "pandas", "pyarrow", "h5py", "scipy")


def loaded_after(statement):
    """Which of the heavy libraries a fresh interpreter holds after a statement."""
    code = f"import sys\n{statement}\nprint(*[n for n in {HEAVY} if n in sys.modules])"
    argv = [sys.executable, "-c", code]
    done = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_a_command_that_is_done_gives_0():
    received = []
    assert command_line.run(received.append, ["--seed", "1"], "example") == 0
    assert received == [["--seed", "1"]]


def test_a_fault_of_the_user_gives_2_and_one_line(capsys):
    def command(argv):
        raise SourceError("cell7.mat: holds no numbers. Take it out.")

    assert command_line.run(command, [], "example") == 2
    assert one_error_line(capsys) == "example: error: cell7.mat: holds no numbers. Take it out."


def test_an_interrupt_gives_130_and_one_line(capsys):
    def command(argv):
        raise KeyboardInterrupt

    assert command_line.run(command, [], "example") == 130
    assert one_error_line(capsys) == "example: interrupted"


def test_a_bug_goes_through():
    def command(argv):
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError, match="a bug"):
        command_line.run(command, [], "example")


def test_a_parser_names_the_fault_and_the_way_out(capsys):
    with pytest.raises(SystemExit) as stop:
        command_line.Parser(prog="example").error("no such thing: 7")
    assert stop.value.code == 2
    assert one_error_line(capsys) == "example: error: no such thing: 7 (see example --help)"


def test_a_log_file_holds_what_is_logged_while_it_is_open(tmp_path, caplog):
    logger = logging.getLogger("example")
    caplog.set_level(logging.INFO)
    with command_line.log_file(tmp_path / "run.log"):
        logger.info("epoch 3 of 9")
    logger.info("afterwards")
    (line,) = (tmp_path / "run.log").read_text(encoding="utf-8").splitlines()
    assert line.endswith(" INFO epoch 3 of 9")


def test_a_log_file_is_closed_when_the_work_fails(tmp_path):
    before = list(logging.getLogger().handlers)
    with pytest.raises(RuntimeError, match="midway"), command_line.log_file(tmp_path / "run.log"):
        raise RuntimeError("midway")
    assert logging.getLogger().handlers == before


def test_the_command_starts_without_heavy_libraries():
    assert loaded_after("import data_prep.__main__") == []


def test_the_help_needs_no_heavy_library():
    silent_help = (
        "import contextlib, io\n"
        "from data_prep.__main__ import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    main(['--help'])"
    )
    assert loaded_after(silent_help) == []


def test_the_stages_need_no_tensorflow():
    modules = [path.stem for path in (CHECKOUT / "data_prep").glob("[a-z]*.py")]
    assert "pipeline" in modules
    assert loaded_after(f"from data_prep import {', '.join(modules)}") == []


@pytest.mark.parametrize("reader", SOURCES)
def test_a_reader_loads_no_library_of_another(reader):
    own = ["h5py"] if reader in ("matr", "demo") else []
    assert loaded_after(f"from data_prep.sources import source; source({reader!r})") == own


def test_the_bdf_reader_at_work_needs_no_hdf5(tmp_path):
    path = tmp_path / "c0.bdf.csv"
    path.write_text("Cycle Count / 1,Test Time / s,Voltage / V,Current / A\n1,0,3.3,1.1\n")
    (tmp_path / "cells.csv").write_text("cell_id,nominal_capacity_ah\nc0,1.1\n")
    loaded = loaded_after(
        "from pathlib import Path\n"
        "from data_prep.sources import base, source\n"
        "bdf, options = source('bdf'), base.SourceOptions()\n"
        f"(place,) = bdf.list_cells([Path({str(path)!r})], options)\n"
        "cycles = bdf.read_cell(place, options).read_cycles(9)\n"
        "assert [cycle.number for cycle in cycles] == [1]"
    )
    assert "pandas" in loaded
    assert "h5py" not in loaded
    assert "tensorflow" not in loaded


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_ends_a_command_as_ctrl_c_does(name, code, capsys):
    cleaned = []

    def command(argv):
        try:
            os.kill(os.getpid(), getattr(signal, name))
            time.sleep(10)
        finally:
            cleaned.append(True)

    before = signal.getsignal(getattr(signal, name))
    assert command_line.run(command, [], "example") == code
    assert cleaned == [True]
    assert capsys.readouterr().err == f"example: ended by {name}\n"
    assert signal.getsignal(getattr(signal, name)) == before
