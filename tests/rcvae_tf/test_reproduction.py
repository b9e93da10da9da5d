import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from data_prep.errors import SettingsError
from rcvae_tf.reproduction import children, run
from rcvae_tf.reproduction.children import children_of
from rcvae_tf.reproduction.parts import Part, parts_of
from rcvae_tf.reproduction.progress import duration, last_line
from rcvae_tf.reproduction.record import Record, open_record, read_record
from rcvae_tf.reproduction.run import PartFailed, clear, command, reproduce, run_parts
from rcvae_tf.reproduction.settings import resolve

SMALL = {"early_cycles": ("20", "5"), "source": "matr", "input": "/files"}


def settings_of(**given):
    return resolve({**SMALL, **given})


class Workers:
    """In place of processes: leaves what a part leaves, and remembers the calls.

    Args:
        output: Folder of the reproduction.
        parts: Which the commands stand for.
        ends: Exit codes other than 0, by name of the part.
        says: What stands in the log.
    """

    def __init__(self, output, parts, ends=None, says="done"):
        self.output, self.parts = output, {part.name: part for part in parts}
        self.ends, self.says = ends or {}, says
        self.calls = {}

    def __call__(self, argv, log, tick):
        part = self.parts[log.stem]
        self.calls[part.name] = argv
        tick()
        with log.open("a") as file:
            file.write(f"{self.says}\n\n")
        if part.name in self.ends:
            if part.resumable:
                self.leave(part.resumable, "half")
            return self.ends[part.name]
        for path in part.outputs:
            self.leave(path, part.name)
        return 0

    def leave(self, path, text):
        (self.output / path).parent.mkdir(parents=True, exist_ok=True)
        (self.output / path).write_text(text)


def run_all(output, ends=None, says="done", **given):
    """Runs a reproduction with stand-ins; what was called, by name of the part."""
    settings = settings_of(**given)
    parts = parts_of(settings)
    workers = Workers(output, parts, ends, says)
    output.mkdir(exist_ok=True)
    run_parts(parts, open_record(output, settings), workers)
    return workers.calls


NAMES = [
    "prepare-n005",
    "prepare-n020",
    "tune",
    "train-paper-n005",
    "train-paper-n020",
    "train-default-n005",
    "train-default-n020",
    "ablate-n005",
    "ablate-n020",
    "page",
]


def test_parts_come_in_the_order_of_what_they_need():
    parts = parts_of(settings_of())
    assert [part.name for part in parts] == NAMES
    made = set()
    for part in parts:
        assert set(part.inputs) <= made, part.name
        made |= set(part.outputs)


def test_preset_default_and_single_ablations_can_be_left_out():
    parts = parts_of(settings_of(default_preset=False, ablation_cycles=("20",)))
    names = [part.name for part in parts]
    assert names == [n for n in NAMES if not n.startswith("train-default") and n != "ablate-n005"]
    assert "--default-runs" not in parts[-1].arguments


def test_preset_default_can_be_trained_on_one_n_alone():
    parts = parts_of(settings_of(default_cycles=("20",)))
    names = [part.name for part in parts]
    assert [n for n in names if n.startswith("train-default")] == ["train-default-n020"]
    words = command(parts[-1].module, parts[-1].arguments, Path("out"))
    assert words[words.index("--default-runs") + 1] == "out/runs/default-n020"


def arguments(name, jobs=None, **given):
    (part,) = [p for p in parts_of(settings_of(**given), jobs) if p.name == name]
    return command(part.module, part.arguments, Path("out"))[1:]


def test_a_preparation_is_the_command_of_data_prep():
    assert arguments("prepare-n005", jobs=3) == [
        *("-m", "data_prep", "--source", "matr", "--input", "/files", "--cycles", "5"),
        *("--split", "sample", "--figures", "--jobs", "3", "--output", "out/data/n005"),
    ]


def test_the_search_is_on_the_largest_n_and_keeps_what_the_paper_gives():
    assert arguments("tune", trials=7, seed=4, jit_compile=False) == [
        *("-m", "tuning", "--data", "out/data/n020", "--output", "out/search"),
        *("--preset", "paper", "--num-hidden-layers", "16", "--embedding-dim", "473"),
        *("--kl-weight", "1", "--trials", "7", "--trial-epochs", "100"),
        *("--search-seed", "4", "--seed", "4", "--no-jit-compile"),
    ]


def test_a_trial_is_never_longer_than_a_training():
    assert "--trial-epochs 30" in " ".join(arguments("tune", epochs=30))
    assert "--trial-epochs 9" in " ".join(arguments("tune", epochs=30, trial_epochs=9))


def test_the_paper_is_trained_with_what_the_search_found():
    assert arguments("train-paper-n005", epochs=30) == [
        *("-m", "rcvae_tf.train", "--data", "out/data/n005", "--output", "out/runs/paper-n005"),
        *("--preset", "paper", "--config", "out/search/best.json", "--epochs", "30"),
    ]
    assert "--epochs" not in arguments("train-paper-n005")


def test_preset_default_is_trained_with_its_own_settings():
    assert arguments("train-default-n005", epochs=30, default_epochs=40, seed=2) == [
        *("-m", "rcvae_tf.train", "--data", "out/data/n005", "--output", "out/runs/default-n005"),
        *("--preset", "default", "--epochs", "40", "--seed", "2"),
    ]


def test_an_ablation_takes_rows_epochs_and_processes():
    assert arguments("ablate-n020", jobs=2, rows=("None", "latent"), ablation_epochs=3) == [
        *("-m", "rcvae_tf.ablate", "--data", "out/data/n020", "--output", "out/ablation/n020"),
        *("--config", "out/search/best.json", "--rows", "None,latent", "--epochs", "3"),
        *("--jobs", "2"),
    ]
    plain = arguments("ablate-n020", epochs=30)
    assert "--rows" not in plain
    assert plain[-2:] == ["--epochs", "30"]


def test_the_page_gets_every_folder():
    assert arguments("page") == [
        *("-m", "rcvae_tf.report", "--data", "out/data/n005,out/data/n020"),
        *("--search", "out/search", "--runs", "out/runs/paper-n005,out/runs/paper-n020"),
        *("--default-runs", "out/runs/default-n005,out/runs/default-n020"),
        *("--ablations", "out/ablation/n005,out/ablation/n020"),
        *("--record", "out/reproduce.json", "--output", "out"),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_every_part_is_a_command_that_takes_its_flags(name, monkeypatch):
    import importlib

    from data_prep import command_line

    class Parsed(Exception):
        """The arguments were understood."""

    argv = arguments(name, jobs=1, rows=("None",), epochs=3)
    module = argv[1] if argv[1].count(".") else f"{argv[1]}.__main__"
    module = f"{module}.__main__" if argv[1] == "rcvae_tf.report" else module
    main = importlib.import_module(module).main
    parse = command_line.parse

    def stop(*parsed):
        parse(*parsed)
        raise Parsed

    monkeypatch.setattr(command_line, "parse", stop)
    with pytest.raises(Parsed):
        main(argv[2:])


def test_the_defaults_are_the_papers():
    settings = resolve({"input": "files"})
    assert settings.cycles == [20, 40, 60, 80, 100]
    assert settings.ablated == [20, 40, 60, 80, 100]
    assert (settings.trials, settings.epochs, settings.rows) == (30, None, ())


def test_quick_is_the_demo_cut_short_and_other_flags_hold():
    settings = resolve({"quick": True, "trials": 2})
    assert (settings.source, settings.input) == ("demo", None)
    assert settings.cycles == [4, 8, 12, 16, 20]
    assert settings.trials == 2
    assert settings.rows == ("Decoder_1", "Encoder_16", "None", "Embedding", "latent", "labels")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"input": None}, "`input` must be the folder of the matr files. Received: nothing"),
        ({"input": None, "source": "nasa", "quick": True}, "the folder of the nasa files"),
        ({"input": None, "source": "auto"}, "`input` must be the folder of the measurement files"),
        ({"rows": ("None", "Decoder_16")}, "unknown row 'Decoder_16'. Rows of a model with num"),
        ({"quick": True, "early_cycles": ()}, "must name a number of cycles. Received: none"),
        ({"quick": True, "early_cycles": ("x",)}, "numbers of cycles, 1 or more. Received: 'x'"),
        ({"quick": True, "ablation_cycles": ("4",)}, "among the early cycles 5, 20. Received: 4"),
        ({"early_cycles": ("20", "0")}, "numbers of cycles, 1 or more. Received: '0'"),
        ({"early_cycles": ("ten",)}, "numbers of cycles, 1 or more. Received: 'ten'"),
        ({"early_cycles": ()}, "`early_cycles` must name a number of cycles. Received: none"),
        ({"default_cycles": ("7",)}, "`default_cycles` must be among the early cycles 5, 20"),
        ({"ablation_cycles": ("7",)}, "among the early cycles 5, 20. Received: 7"),
        ({"trials": 0}, "`trials` must be an integer of 1 or more. Received: trials=0"),
    ],
)
def test_settings_that_cannot_be_are_refused(given, message):
    with pytest.raises(SettingsError, match=message.replace("(", r"\(")):
        settings_of(**given)


def test_the_demo_needs_no_files():
    settings = resolve({"source": "demo"})
    assert (settings.input, settings.quick, settings.trials) == (None, False, 30)
    (part, *_) = parts_of(settings)
    assert part.arguments[:2] == ("--source", "demo")
    assert "--input" not in part.arguments


@pytest.mark.parametrize(
    ("given", "with_default", "ablated"),
    [
        ({}, [20], [20]),
        ({"early_cycles": ("4",)}, [4], [4]),
        ({"early_cycles": ("12", "4")}, [12], [12]),
        ({"early_cycles": ("4", "8", "12"), "ablation_cycles": ("8",)}, [12], [8]),
        ({"default_cycles": ("4", "8")}, [4, 8], [20]),
    ],
)
def test_quick_takes_the_largest_n_where_none_is_given(given, with_default, ablated):
    settings = resolve({"quick": True, **given})
    assert (settings.with_default, settings.ablated) == (with_default, ablated)


def test_everything_runs_once_and_is_kept_the_second_time(tmp_path, capsys):
    assert list(run_all(tmp_path)) == NAMES
    capsys.readouterr()
    assert run_all(tmp_path) == {}
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "part 1 of 10: prepare, n = 5 ... kept"
    assert lines[-1] == "part 10 of 10: page ... kept"
    assert len(lines) == 10


def test_the_record_knows_settings_times_and_commands_without_places(tmp_path):
    run_all(tmp_path / "out")
    record = json.loads((tmp_path / "out" / "reproduce.json").read_text())
    assert record["settings"]["early_cycles"] == ["20", "5"]
    assert record["host"]["cores"] == os.cpu_count()
    assert set(record["host"]) == {"system", "machine", "python", "cores"}
    part = record["parts"]["train-default-n005"]
    assert part["argv"][:6] == [
        *("-m", "rcvae_tf.train", "--data", "data/n005", "--output", "runs/default-n005"),
    ]
    assert part["done"] is True
    assert str(tmp_path) not in json.dumps(record["parts"])


def test_a_part_that_failed_goes_on_and_those_before_it_are_kept(tmp_path):
    with pytest.raises(PartFailed):
        run_all(tmp_path, {"train-paper-n020": 1})
    calls = run_all(tmp_path)
    assert list(calls) == NAMES[4:]
    assert calls["train-paper-n020"][2:] == [
        *("rcvae_tf.train", "--data", str(tmp_path / "data/n020")),
        *("--output", str(tmp_path / "runs/paper-n020"), "--resume"),
    ]


def test_a_training_without_a_state_starts_anew_in_an_empty_folder(tmp_path):
    with pytest.raises(PartFailed):
        run_all(tmp_path, {"train-paper-n020": 1})
    (tmp_path / "runs/paper-n020/state/train_state.json").unlink()
    (tmp_path / "runs/paper-n020/run.log").write_text("half")
    calls = run_all(tmp_path)
    assert "--resume" not in calls["train-paper-n020"]
    assert not (tmp_path / "runs/paper-n020/run.log").exists()


def test_a_preparation_starts_anew_and_what_it_left_beside_is_removed(tmp_path):
    with pytest.raises(PartFailed):
        run_all(tmp_path, {"prepare-n020": 1})
    scratch = tmp_path / "data" / ".n020-x1y2"
    scratch.mkdir()
    (scratch / "spool").write_text("half")
    calls = run_all(tmp_path)
    assert list(calls) == NAMES[1:]
    assert not scratch.exists()
    assert (tmp_path / "data/n005/dataset_card.json").is_file()


@pytest.mark.parametrize("name", ["tune", "ablate-n005"])
def test_search_and_ablation_go_on_with_the_same_command(tmp_path, name):
    with pytest.raises(PartFailed):
        run_all(tmp_path, {name: 1})
    (part,) = [p for p in parts_of(settings_of()) if p.name == name]
    kept = tmp_path / part.folder / "kept"
    kept.write_text("by the command")
    calls = run_all(tmp_path)
    assert calls[name] == command(part.module, part.arguments, tmp_path)
    assert kept.exists()


def test_a_part_whose_output_vanished_runs_again_and_what_did_not_change_is_kept(tmp_path):
    run_all(tmp_path)
    (tmp_path / "runs/paper-n005/metrics.json").unlink()
    assert list(run_all(tmp_path)) == ["train-paper-n005"]  # the page's inputs are the same bytes


def test_what_came_from_another_search_is_made_anew(tmp_path):
    run_all(tmp_path)
    (tmp_path / "runs/paper-n005/old").write_text("")
    (tmp_path / "runs/paper-n005/state").mkdir()
    (tmp_path / "runs/paper-n005/state/train_state.json").write_text("of the other search")
    (tmp_path / "search/best.json").write_text("other")
    calls = run_all(tmp_path)
    of_the_search = [name for name in NAMES if name.startswith(("train-paper", "ablate"))]
    assert list(calls) == of_the_search
    assert "--resume" not in calls["train-paper-n005"]
    assert not (tmp_path / "runs/paper-n005/old").exists()


def test_the_time_of_a_part_is_summed_over_interruptions(tmp_path, monkeypatch):
    clock = iter(range(0, 10_000, 7))
    monkeypatch.setattr(run.time, "monotonic", lambda: next(clock))
    part = Part("one", "one", "module", (), (), (Path("done"),), resumable=Path("state"))
    record = Record(tmp_path, {})
    with pytest.raises(PartFailed):
        run_parts([part], record, Workers(tmp_path, [part], {"one": 1}))
    first = record.parts["one"]["seconds"]
    assert first > 0
    assert read_record_of(tmp_path)["parts"]["one"]["seconds"] == first
    run_parts([part], record, Workers(tmp_path, [part]))
    assert record.parts["one"]["seconds"] == 2 * first


def test_the_time_of_a_part_that_starts_anew_is_counted_anew(tmp_path, monkeypatch):
    clock = iter(range(0, 10_000, 7))
    monkeypatch.setattr(run.time, "monotonic", lambda: next(clock))
    part = Part("one", "one", "module", (), (), (Path("done"),))
    record = Record(tmp_path, {})
    run_parts([part], record, Workers(tmp_path, [part]))
    first = record.parts["one"]["seconds"]
    record.parts["one"]["started"] = "earlier"
    (tmp_path / "done").unlink()
    run_parts([part], record, Workers(tmp_path, [part]))
    assert record.parts["one"]["seconds"] == first > 0
    assert record.parts["one"]["started"] != "earlier"


@pytest.mark.parametrize(
    ("resumable", "used"),
    [(Path("state"), [{"keras": "1"}, {"keras": "2"}]), (None, [{"keras": "2"}])],
)
def test_a_part_knows_the_versions_that_it_ran_with(tmp_path, monkeypatch, resumable, used):
    part = Part("one", "one", "module", (), (), (Path("done"),), resumable=resumable)
    record = Record(tmp_path, {})
    for keras, ends in (("1", {"one": 1}), ("2", {"one": 1}), ("2", {})):
        monkeypatch.setattr(run, "versions", lambda keras=keras: {"keras": keras})
        try:
            run_parts([part], record, Workers(tmp_path, [part], ends))
        except PartFailed:
            assert ends
    monkeypatch.setattr(run, "versions", lambda: {"keras": "3"})
    run_parts([part], record, Workers(tmp_path, [part]))  # kept: it did not run with these
    assert read_record_of(tmp_path)["parts"]["one"]["versions"] == used


def test_a_part_of_a_record_without_its_versions_goes_on(tmp_path):
    with pytest.raises(PartFailed):
        run_all(tmp_path, {"tune": 1})
    values = read_record_of(tmp_path)
    for entry in values["parts"].values():
        del entry["versions"]
    (tmp_path / "reproduce.json").write_text(json.dumps(values))
    assert list(run_all(tmp_path)) == NAMES[2:]
    parts = read_record_of(tmp_path)["parts"]
    assert "versions" not in parts["prepare-n005"]
    assert [list(used)[:2] for used in parts["tune"]["versions"]] == [["rcvae_tf", "tensorflow"]]


def fail_ablations(output, ends, says, **given):
    with pytest.raises(PartFailed) as caught:
        run_all(output, ends, says, **given)
    return str(caught.value)


def test_a_failed_ablation_is_named_and_the_parts_after_it_run(tmp_path, capsys):
    says = "python -m rcvae_tf.ablate: error: 1 of 34 rows failed: None (diverged)"
    message = fail_ablations(tmp_path, {"ablate-n005": 2}, says)
    failed = f"part 8 of 10: ablate, n = 5: {says} (log: {tmp_path / 'logs/ablate-n005.log'})"
    assert message == f"{failed}. Run again to go on."
    lines = capsys.readouterr().out.splitlines()
    assert lines[8] == f"{failed}. Going on without it."
    assert [line.split(" ...")[0] for line in lines[9:]] == [
        *("part 9 of 10: ablate, n = 20", "part 10 of 10: page"),
    ]
    parts = read_record_of(tmp_path)["parts"]
    assert [name for name in NAMES if not parts[name]["done"]] == ["ablate-n005"]
    assert not [path for path in parts["page"]["inputs"] if path.startswith("ablation/n005")]
    assert [path for path in parts["page"]["inputs"] if path.startswith("ablation/n020")] == [
        *("ablation/n020/ablation.csv", "ablation/n020/ablation_generated.csv"),
    ]


def test_a_failed_ablation_goes_on_the_next_time_and_the_page_is_made_anew(tmp_path):
    fail_ablations(tmp_path, {"ablate-n005": 1}, "odd")
    assert list(run_all(tmp_path)) == ["ablate-n005", "page"]
    assert run_all(tmp_path) == {}


def test_several_failed_ablations_are_one_line(tmp_path):
    ends = {"ablate-n005": 2, "ablate-n020": -signal.SIGKILL}
    logs = [tmp_path / f"logs/ablate-n{n}.log" for n in ("005", "020")]
    assert fail_ablations(tmp_path, ends, "odd") == (
        f"part 8 of 10: ablate, n = 5: odd (log: {logs[0]}); part 9 of 10: ablate, n = 20: ended "
        f"by SIGKILL, often a lack of memory (log: {logs[1]}). Run again to go on."
    )


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("ablate")])
def test_every_other_part_that_fails_ends_the_run(tmp_path, name):
    with pytest.raises(PartFailed):
        run_all(tmp_path, {name: 1})
    assert list(read_record_of(tmp_path)["parts"]) == NAMES[: NAMES.index(name) + 1]


def read_record_of(output):
    return json.loads((output / "reproduce.json").read_text())


def test_the_time_is_on_the_disk_while_a_part_works(tmp_path, monkeypatch):
    clock = iter([0.0, 9.9, 10.0, 10.0, 11.0])
    monkeypatch.setattr(run.time, "monotonic", lambda: next(clock))
    record = Record(tmp_path, {}, {"one": {"seconds": 5.0}})
    with run._Timed(record.parts["one"], record) as tick:
        tick()
        assert not (tmp_path / "reproduce.json").exists()
        tick()
        assert read_record_of(tmp_path)["parts"]["one"]["seconds"] == 15.0
    assert read_record_of(tmp_path)["parts"]["one"]["seconds"] == 16.0


def test_a_part_that_refuses_its_input_is_the_users_fault(tmp_path):
    says = "python -m data_prep: error: --input /files: is missing."
    with pytest.raises(SettingsError) as caught:
        run_all(tmp_path, {"prepare-n005": 2}, says)
    log = tmp_path / "logs/prepare-n005.log"
    assert str(caught.value) == f"part 1 of 10: prepare, n = 5: {says} (log: {log})"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (1, "exit code 1: ValueError: odd"),
        (-signal.SIGKILL, "ended by SIGKILL, often a lack of memory"),
        (-signal.SIGSEGV, "ended by SIGSEGV"),
    ],
)
def test_a_part_that_breaks_says_how_in_one_line(tmp_path, code, message):
    with pytest.raises(PartFailed) as caught:
        run_all(tmp_path, {"tune": code}, "ValueError: odd")
    log = tmp_path / "logs/tune.log"
    assert str(caught.value) == (
        f"part 3 of 10: tune, n = 20: {message} (log: {log}). Run again to go on."
    )


def test_a_log_begins_with_its_command_and_keeps_what_earlier_calls_said(tmp_path):
    with pytest.raises(PartFailed):
        run_all(tmp_path, {"prepare-n005": 1}, "first")
    run_all(tmp_path, says="second")
    lines = [line for line in (tmp_path / "logs/prepare-n005.log").read_text().split("\n") if line]
    assert lines[0].startswith("$ python -m data_prep --source matr")
    assert lines[1::2] == ["first", "second"]


def begin(output, **given):
    """A reproduction whose first part is done."""
    with pytest.raises(PartFailed):
        run_all(output, {"prepare-n020": 1}, **given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"epochs": 7}, "with epochs=None, not 7"),
        ({"ablation_epochs": 7}, "with ablation_epochs=None, not 7"),
        ({"trials": 7}, "holds a reproduction with trials=30, not 7"),
        ({"input": "/other"}, "holds a reproduction with input=/files, not /other"),
        ({"early_cycles": ("20",)}, "with early_cycles=20,5, not 20"),
        ({"early_cycles": ("20", "5", "40")}, "with early_cycles=20,5, not 20,5,40"),
        ({"rows": ("None",)}, "with rows=all, not None"),
    ],
)
def test_other_settings_in_the_same_folder_are_refused(tmp_path, given, message):
    begin(tmp_path)
    with pytest.raises(SettingsError, match=f"{message}. Give the same settings"):
        open_record(tmp_path, settings_of(**given))


def test_a_folder_without_a_finished_part_takes_other_settings(tmp_path):
    with pytest.raises(SettingsError):
        run_all(tmp_path, {"prepare-n005": 2}, input="/mistyped", trials=7)
    calls = run_all(tmp_path)
    assert list(calls) == NAMES
    assert "/files" in calls["prepare-n005"]
    settings = read_record_of(tmp_path)["settings"]
    assert (settings["input"], settings["trials"]) == ("/files", 30)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (("None",), ("latent", "None")),
        (("None",), ()),
        (("Decoder_1", "latent"), ("LATENT", "encoder_2", "decoder_1")),
    ],
)
def test_more_rows_make_the_ablations_go_on(tmp_path, old, new):
    run_all(tmp_path, rows=old)
    kept = tmp_path / "ablation/n005/rows/none/metrics.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("of the first call")
    Workers(tmp_path, []).leave(Path("ablation/n005/ablation.json"), "rows of the first call")
    entry = read_record_of(tmp_path)["parts"]["ablate-n005"]
    calls = run_all(tmp_path, rows=new)
    assert list(calls) == ["ablate-n005", "ablate-n020"]  # the page's inputs are the same bytes
    words = calls["ablate-n005"]
    given = words[words.index("--rows") + 1] if "--rows" in words else ""
    assert given == ",".join(new)
    assert kept.read_text() == "of the first call"
    assert read_record_of(tmp_path)["parts"]["ablate-n005"]["started"] == entry["started"]
    assert read_record_of(tmp_path)["settings"]["rows"] == list(new)
    assert run_all(tmp_path, rows=new) == {}


def test_the_same_rows_in_another_order_are_kept(tmp_path):
    run_all(tmp_path, rows=("None", "latent"))
    assert run_all(tmp_path, rows=("Latent", "none")) == {}


@pytest.mark.parametrize("new", [("None",), ("latent", "Encoder_2"), ("latent",)])
def test_fewer_or_other_rows_are_refused(tmp_path, new):
    begin(tmp_path, rows=("None", "latent"))
    with pytest.raises(SettingsError, match="holds a reproduction with rows=None,latent, not "):
        open_record(tmp_path, settings_of(rows=new))


def test_a_setting_that_a_record_does_not_know_had_its_default(tmp_path):
    begin(tmp_path)
    values = json.loads((tmp_path / "reproduce.json").read_text())
    del values["settings"]["default_cycles"]
    (tmp_path / "reproduce.json").write_text(json.dumps(values))
    assert list(open_record(tmp_path, settings_of()).parts) == NAMES[:2]
    with pytest.raises(SettingsError, match="with default_cycles=all, not 20"):
        open_record(tmp_path, settings_of(default_cycles=("20",)))


def test_more_n_below_the_largest_only_add_parts(tmp_path):
    run_all(tmp_path)
    calls = run_all(tmp_path, early_cycles=("5", "10", "20"))
    assert list(calls) == [
        *("prepare-n010", "train-paper-n010", "train-default-n010", "ablate-n010", "page"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not readable"),
        ("[]", "not readable: expected an object"),
        ('{"format_version": 2}', "format version 2, expected 1"),
        ('{"format_version": 1, "settings": {}}', "lacks its settings or its parts"),
    ],
)
def test_a_damaged_record_is_refused_with_the_way_out(tmp_path, text, message):
    (tmp_path / "reproduce.json").write_text(text)
    with pytest.raises(SettingsError, match=f"{message}.*Choose another --output"):
        read_record(tmp_path / "reproduce.json")


def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path):
    (tmp_path / "letters").mkdir()
    for overwrite in (False, True):
        with pytest.raises(SettingsError, match="holds something else than a reproduction"):
            reproduce(settings_of(), tmp_path, overwrite=overwrite)
    assert [path.name for path in tmp_path.iterdir()] == ["letters"]


def test_a_file_and_a_comma_are_refused_as_output(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="is a file, expected a folder to make"):
        reproduce(settings_of(), tmp_path / "file")
    with pytest.raises(SettingsError, match="has a comma in its name"):
        reproduce(settings_of(), tmp_path / "a,b")


def test_clearing_removes_a_reproduction_and_nothing_else(tmp_path):
    run_all(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_times_are_said_as_people_say_them():
    said = [duration(s) for s in (0.4, 59.4, 59.6, 130, 3599.4, 3599.6, 11_100)]
    assert said == ["0 s", "59 s", "1 min 00 s", "2 min 10 s", "59 min 59 s", "1 h 00 min"] + [
        "3 h 05 min"
    ]


def test_the_last_line_of_a_log_is_one_with_words(tmp_path):
    log = tmp_path / "log"
    assert last_line(log) == ""
    log.write_text("x" * 5000 + "\nepoch 2/9  \n\n \n")
    assert last_line(log) == "epoch 2/9"


@pytest.fixture
def fast_ticks(monkeypatch):
    monkeypatch.setattr(children, "TICK_S", 0.05)


def python(code):
    return [sys.executable, "-c", code]


def test_a_child_gives_its_exit_code_and_its_words(tmp_path, fast_ticks):
    ticks = []
    code = "import sys, time; print('out'); print('err', file=sys.stderr); time.sleep(.3); exit(5)"
    (tmp_path / "log").write_text("before\n")
    with children_of(tmp_path) as runner:
        assert runner(python(code), tmp_path / "log", lambda: ticks.append(1)) == 5
    assert (tmp_path / "log").read_text() == "before\nout\nerr\n"
    assert ticks


def is_alive(pid):
    """Whether a process runs; one that ended and waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def until(condition, seconds=20.0):
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


# It starts a process of its own, and says both numbers.
FAMILY = (
    "import os, subprocess, sys, time\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    "open('pids.part', 'w').write(f'{os.getpid()} {child.pid}')\n"
    "os.rename('pids.part', 'pids')\n"
    "time.sleep(60)\n"
)
needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")


@needs_proc
def test_an_interrupted_reproduction_ends_its_part_and_its_children(
    tmp_path, fast_ticks, monkeypatch
):
    monkeypatch.chdir(tmp_path)

    def interrupt():
        if Path("pids").exists():
            raise KeyboardInterrupt

    with children_of(tmp_path) as runner, pytest.raises(KeyboardInterrupt):
        runner(python(FAMILY), tmp_path / "log", interrupt)
    pids = [int(word) for word in Path("pids").read_text().split()]
    until(lambda: not any(map(is_alive, pids)))


@needs_proc
def test_a_killed_reproduction_leaves_a_part_that_the_next_one_ends(tmp_path):
    parent = (
        "from pathlib import Path\n"
        "from rcvae_tf.reproduction.children import children_of\n"
        f"with children_of(Path('.')) as run:\n"
        f"    run([{sys.executable!r}, '-c', {FAMILY!r}], Path('log'), lambda: None)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(children.__file__).parents[2])}
    process = subprocess.Popen(python(parent), cwd=tmp_path, env=environment)
    until((tmp_path / "pids").exists)
    with pytest.raises(SettingsError, match="another reproduction is at work"):
        children_of(tmp_path).__enter__()
    process.kill()
    process.wait()
    pids = [int(word) for word in (tmp_path / "pids").read_text().split()]
    assert all(map(is_alive, pids))
    with children_of(tmp_path) as runner:
        assert not is_alive(pids[0])
        assert runner(python("exit(0)"), tmp_path / "log", lambda: None) == 0
    until(lambda: not any(map(is_alive, pids)))


def test_a_part_that_does_not_listen_is_ended_by_force(tmp_path, fast_ticks, monkeypatch):
    monkeypatch.setattr(children, "GRACE_S", 0.2)
    deaf = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('deaf', flush=True)\n"
        "time.sleep(60)\n"
    )

    def interrupt():
        if last_line(tmp_path / "log"):
            raise KeyboardInterrupt

    start = time.monotonic()
    with children_of(tmp_path) as runner, pytest.raises(KeyboardInterrupt):
        runner(python(deaf), tmp_path / "log", interrupt)
    assert time.monotonic() - start < 20
