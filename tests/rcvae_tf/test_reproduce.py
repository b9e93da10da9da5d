import pytest

from rcvae_tf import reproduce
from rcvae_tf.reproduction import run
from tests.builders import exit_code, one_error_line


@pytest.fixture
def calls(monkeypatch):
    """What would be reproduced, in place of hours of work."""
    received = []

    def finish_the_first(parts, record, runner):
        received.append(parts)
        record.parts[parts[0].name] = {"argv": [], "done": True}
        record.write()

    monkeypatch.setattr(run, "run_parts", finish_the_first)
    return received


def test_it_ends_with_the_place_of_the_page(tmp_path, calls, capsys):
    output = tmp_path / "out"
    argv = ["--quick", "--output", str(output), "--early-cycles", "4,20", "--jobs", "1"]
    assert reproduce.main(argv) == 0
    assert capsys.readouterr().out == f"page: {output / 'index.html'}\n"
    ((first, *_),) = calls
    assert first.title == "prepare, n = 4"
    assert "--jobs" in first.arguments
    assert (output / "reproduce.json").is_file()


def test_jobs_may_change_and_other_settings_may_not(tmp_path, calls, capsys):
    argv = ["--quick", "--output", str(tmp_path / "out")]
    assert reproduce.main(argv) == 0
    assert reproduce.main([*argv, "--jobs", "2"]) == 0
    assert reproduce.main([*argv, "--trials", "9"]) == 2
    assert "holds a reproduction with trials=" in one_error_line(capsys)
    assert reproduce.main([*argv, "--trials", "9", "--overwrite"]) == 0
    assert len(calls) == 3


def test_without_files_it_names_quick(tmp_path, capsys):
    assert reproduce.main(["--output", str(tmp_path / "out")]) == 2
    line = one_error_line(capsys)
    assert line.startswith("python -m rcvae_tf.reproduce: error: `input` must be")
    assert "--quick" in line
    assert not (tmp_path / "out").exists()


def test_a_mistyped_row_is_refused_before_anything_is_made(tmp_path, capsys):
    argv = ["--quick", "--output", str(tmp_path / "out"), "--rows", "None,Decodr_1"]
    assert reproduce.main(argv) == 2
    assert "error: unknown row 'Decodr_1'. Rows of a model with" in one_error_line(capsys)
    assert not (tmp_path / "out").exists()


def test_output_is_asked_for(capsys):
    assert exit_code(reproduce.main, ["--quick"]) == 2
    assert "--output" in one_error_line(capsys)


def test_a_part_that_breaks_is_one_line_and_exit_code_1(tmp_path, monkeypatch, capsys):
    def fail(*unused):
        raise run.PartFailed("part 3 of 9: tune: exit code 1: ValueError: odd")

    monkeypatch.setattr(run, "run_parts", fail)
    assert reproduce.main(["--quick", "--output", str(tmp_path / "out")]) == 1
    assert one_error_line(capsys) == (
        "python -m rcvae_tf.reproduce: error: part 3 of 9: tune: exit code 1: ValueError: odd"
    )


def test_ctrl_c_and_a_signal_have_their_exit_codes(tmp_path, monkeypatch, capsys):
    from data_prep.command_line import Ended

    argv = ["--quick", "--output", str(tmp_path / "out")]
    for error, code in ((KeyboardInterrupt(), 130), (Ended(15), 143)):

        def end(*unused, error=error):
            raise error

        monkeypatch.setattr(run, "run_parts", end)
        assert reproduce.main(argv) == code
    assert capsys.readouterr().err.splitlines() == [
        "python -m rcvae_tf.reproduce: interrupted",
        "python -m rcvae_tf.reproduce: ended by SIGTERM",
    ]
