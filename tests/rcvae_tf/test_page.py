import csv
import dataclasses
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from data_prep.errors import SettingsError
from rcvae_tf.embedding_matrix import EmbeddingMatrix
from rcvae_tf.presets import resolve
from rcvae_tf.report import __main__ as report
from rcvae_tf.report import page, page_facts
from rcvae_tf.report.ablation_tables import plateau_text
from rcvae_tf.report.page_ablation import ablation_tables
from rcvae_tf.report.page_cells import Heading, PageCell, page_table
from rcvae_tf.report.page_sources import Material, RunResults, Sources, gather
from rcvae_tf.report.page_summary import summary
from rcvae_tf.report.report_table import ReportTable
from rcvae_tf.run_directory import RunDirectory
from tests.builders import exit_code, one_error_line

ROOT = Path(__file__).resolve().parents[2]
ABLATION_HEADINGS = (
    "early_cycles,detach,mae,rmse,mae_voltage_v,rmse_voltage_v,mae_current_c_rate,"
    "rmse_current_c_rate,mae_temperature_degc,rmse_temperature_degc,mae_charge_capacity_ah,"
    "rmse_charge_capacity_ah"
)
ONE_PIXEL = b"\x89PNG of a figure"


def write_ablation(folder, rows=(("None", 1.0), ("Decoder_1", 2.0), ("latent", 3.0))):
    folder.mkdir(parents=True)
    lines = [",".join([f"6,{detach}", *[str(value)] * 10]) for detach, value in rows]
    for name in ("ablation.csv", "ablation_generated.csv"):
        (folder / name).write_text("\n".join([ABLATION_HEADINGS, *lines]) + "\n")
    return folder


def write_search(folder, best):
    folder.mkdir(parents=True)
    (folder / "best.json").write_text(json.dumps(best))
    with (folder / "trials.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        head = ("trial", "status", "val_mae", "best_epoch", "epochs", "seconds", "hidden_dim")
        writer.writerows([head, ("0000", "COMPLETED", 0.25, 3, 4, 12.5, 64)])
    return folder


CLEANING = {
    **{"cells_read": 5, "cells_kept": 4, "cycles_read": 30, "cycles_kept": 24},
    **{"cycles_rejected": {"gap": 6}, "cycles_repaired": {"row_out_of_time": 2}},
}


def write_card(folder, dataset):
    """The card of a data set alone: a page needs no more."""
    folder.mkdir()
    card = dataclasses.replace(
        dataset.card,
        source={"name": "matr", "files": [{"name": "a.mat", "bytes": 12, "sha256": "ab"}]},
        preparation={**dataset.card.preparation, "seed": 9},
        cleaning=CLEANING,
    )
    card.write(folder)
    return folder


RECORD = {
    "format_version": 1,
    "settings": {
        "source": "matr",
        "input": "/home/somebody/matr",
        "early_cycles": ["6"],
        "epochs": 20,
        "rows": [],
        "seed": 3,
        "quick": False,
    },
    "versions": {"keras": "3.15.1"},
    "host": {"cores": 2},
    "parts": {
        "tune": {"title": "tune", "started": "2026-11-01T10:00:00+00:00", "seconds": 61.4}
        | {"done": True},
        "page": {"title": "page", "started": "2026-11-01T11:00:00+00:00", "seconds": 5.0}
        | {"done": False},
    },
}


@pytest.fixture
def sources(tmp_path, paper_run, default_run, dataset):
    """All that a page can be made of; the runs are of six early cycles."""
    config = paper_run.directory.read_config()
    (tmp_path / "reproduce.json").write_text(json.dumps(RECORD))
    return Sources(
        runs=(paper_run.directory.path,),
        default_runs=(default_run.directory.path,),
        ablations=(write_ablation(tmp_path / "ablation"),),
        data=(write_card(tmp_path / "data", dataset),),
        search=write_search(tmp_path / "search", config),
        record=tmp_path / "reproduce.json",
    )


@pytest.fixture
def not_drawn(monkeypatch):
    """Figures are drawn by tests of their own."""

    class Drawn:
        """What a planned figure is asked for."""

    def plan(figure):
        return dataclasses.replace(figure, draw=Drawn)

    shown = page._shown

    def shown_undrawn(section, folder):
        figures = [plan(figure) for figure in section.figures]
        return shown(dataclasses.replace(section, figures=figures), folder)

    monkeypatch.setattr(page, "_shown", shown_undrawn)
    monkeypatch.setattr(page, "save_figure", lambda figure, path: path.write_bytes(ONE_PIXEL))


class Reader(HTMLParser):
    """Collects tags, attributes and words of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def ids(self):
        return {attributes["id"] for _, attributes in self.tags if "id" in attributes}

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture
def made_page(sources, tmp_path, not_drawn):
    """The page of everything."""
    assert page.write_page(sources, tmp_path) == []
    return Reader((tmp_path / "index.html").read_text(encoding="utf-8"))


def test_the_page_has_every_table_and_figure_of_the_paper(made_page):
    tables = {"table_1", "table_2", "table_s1", "table_s2"}
    figures = {"figure_4_paper_n006", "figure_5", "figure_6", "figure_7_n006"}
    figures |= {"figure_s1_n006", "figure_s2_n006", "figure_s3", "figure_s4", "figure_s5"}
    facts = {"baselines_paper", "baselines_default", "figure_4_default_n006", "search_objective"}
    facts |= {"search_slices", "assumptions", "settings", "seeds", "versions", "times", "cleaning"}
    assert tables | figures | facts <= made_page.ids


def test_contents_lead_to_sections(made_page):
    targets = {a["href"][1:] for a in made_page.all("a") if a["href"].startswith("#")}
    assert len(targets) == 9
    assert targets <= made_page.ids


def test_the_page_asks_nothing_of_anybody(made_page, tmp_path):
    assert made_page.all("script") == made_page.all("link") == made_page.all("iframe") == []
    assert all(image["src"].startswith("data:image/png;base64,") for image in made_page.all("img"))
    links = [a["href"] for a in made_page.all("a") if not a["href"].startswith("#")]
    assert links == ["https://arxiv.org/abs/2404.07577"]
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"url\(|@import|srcset|\bon[a-z]+=", text) == []


def test_every_picture_is_described_and_every_table_scrolls_in_its_box(made_page):
    assert all(len(image["alt"]) > 20 for image in made_page.all("img"))
    boxes = [div for div in made_page.all("div") if div.get("class") == "box"]
    assert len(boxes) == len(made_page.all("table"))
    assert all(box["tabindex"] == "0" and box["aria-label"] for box in boxes)


def test_pictures_lie_beside_the_page_and_inside_it(made_page, tmp_path):
    assert (tmp_path / "figures" / "figure_5.png").read_bytes() == ONE_PIXEL
    assert len(list((tmp_path / "figures").iterdir())) == len(made_page.all("img"))


def test_tables_lie_beside_the_page_as_csv_and_markdown(made_page, tmp_path):
    names = {path.name for path in (tmp_path / "tables").iterdir()}
    tables = ("table_1", "table_2", "table_s1", "table_s2", "baselines_paper", "baselines_default")
    assert names == {f"{table}.{kind}" for table in tables for kind in ("csv", "md")}
    text = (tmp_path / "tables" / "table_2.md").read_text(encoding="utf-8")
    assert text.startswith("**Table 2: ")
    assert "| Decoder_1 | 2 |" in text  # ours; rows of the paper alone are left to the CSV
    assert "Decoder_7" not in text
    with (tmp_path / "tables" / "table_2.csv").open() as file:
        rows = {(row["n"], row["detach"]): row for row in csv.DictReader(file)}
    assert float(rows["6", "Decoder_1"]["MAE Total ours"]) == 2.0
    assert len(rows) == 33 + 32  # 32 of the paper, and latent; those of the paper at n = 100


def test_the_column_z_is_told_from_the_row_latent(made_page):
    assert (
        "Column z = 0 is the same model generating from the condition alone; the row latent is a "
        "model trained without z."
    ) in made_page.text


def test_times_are_of_parts_that_are_done(made_page):
    assert "tune 2026-11-01T10:00:00+00:00 61 all of them 61" in made_page.text


def test_what_was_read_rejected_and_mended_is_counted(sources):
    table = page_facts.cleaning_table(gather(sources).cards)
    row = dict(zip(table.columns, table.rows[0], strict=True))
    assert (row["cells read"], row["cells kept"]) == (5, 4)
    assert (row["charges read"], row["charges kept"], row["rejected: gap"]) == (30, 24, 6)
    assert row["mended: row_out_of_time"] == 2
    assert (row["train"], row["validation"], row["test"]) == (15, 3, 6)


def test_seeds_of_split_search_and_trainings_are_told(sources):
    seeds = dict(page_facts.seeds_table(gather(sources)).rows)
    assert seeds["split of the data, n = 6"] == 9
    assert seeds["search"] == 3
    assert {"training, paper, n = 6", "training, default, n = 6"} <= set(seeds)


def test_settings_name_no_place_on_the_disk(made_page, tmp_path):
    assert "input matr" in made_page.text
    assert "somebody" not in (tmp_path / "index.html").read_text()


def test_the_summary_says_that_trainings_were_cut(made_page):
    assert "trainings of preset paper end after 20 epochs (1000), of preset default" in (
        made_page.text
    )


def test_figures_are_drawn_into_files(sources, tmp_path):
    (figure,) = [f for f in page.sections_of(gather(sources))[1].figures if "s1" in f.name]
    uri = page._drawn(figure, tmp_path / "figures")
    assert uri.startswith("data:image/png;base64,iVBORw0KGgo")  # the signature of a PNG
    assert (tmp_path / "figures" / "figure_s1_n006.png").stat().st_size > 10_000


def test_without_anything_the_page_has_the_papers_numbers_and_says_so(tmp_path, not_drawn):
    assert page.write_page(Sources(), tmp_path) == []
    made = Reader((tmp_path / "index.html").read_text())
    assert {"table_1", "table_2", "table_s1", "table_s2"} <= made.ids
    assert made.text.count("Nothing of this was given.") == 5
    assert made.all("img") == []


@pytest.fixture
def paper_copy(paper_run, tmp_path):
    """The run of preset `paper` in a folder of its own, for what damages it."""
    shutil.copytree(paper_run.directory.path, tmp_path / "paper")
    return RunDirectory(tmp_path / "paper")


def test_what_is_missing_is_said_and_no_error(sources, tmp_path, paper_copy, not_drawn):
    directory = paper_copy
    directory.test_samples.unlink()
    directory.embeddings.unlink()
    lost = dataclasses.replace(sources, runs=(directory.path,), search=tmp_path / "nowhere")
    missing = page.write_page(lost, tmp_path)
    assert [name.rsplit("/", 1)[1] for name in missing] == [
        *("test_samples.npz", "embeddings.npz", "trials.csv", "best.json"),
    ]
    made = Reader((tmp_path / "index.html").read_text())
    assert missing[0] == str(directory.test_samples)  # the terminal names it as it was given
    short = [str(Path(*Path(name).parts[-3:])) for name in missing]
    assert f"Not there when this page was made: {', '.join(short)}." in made.text
    assert str(tmp_path) not in (tmp_path / "index.html").read_text()
    assert "figure_5" not in made.ids
    assert "figure_4_default_n006" in made.ids


@pytest.mark.parametrize(
    ("count", "equal"), [(3, False), (8, True)], ids=["three conditions", "equal embeddings"]
)
def test_an_embedding_without_a_map_is_said_and_no_error(
    sources, tmp_path, paper_copy, not_drawn, count, equal
):
    embeddings = np.ones((count, 2)) if equal else np.arange(2.0 * count).reshape(count, 2)
    labels, cells = np.full((count, 2), 400), np.array(["c"] * count)
    EmbeddingMatrix(embeddings, labels, cells, 0.9).save(paper_copy.embeddings)
    reason = "(no map: too few conditions, or all embeddings equal)"
    lost = dataclasses.replace(sources, runs=(paper_copy.path,))
    assert page.write_page(lost, tmp_path) == [f"{paper_copy.embeddings} {reason}"]
    made = Reader((tmp_path / "index.html").read_text())
    assert f"paper/embeddings.npz {reason}." in made.text
    assert "figure_7_n006" not in made.ids
    assert "figure_5" in made.ids


@pytest.mark.parametrize(
    ("part", "changes", "received"),
    [
        (None, {"preset": "default"}, "preset default, detach none, shuffle_labels False"),
        ("model", {"detach": "latent"}, "preset paper, detach latent, shuffle_labels False"),
        ("training", {"shuffle_labels": True}, "preset paper, detach none, shuffle_labels True"),
    ],
)
def test_a_run_that_is_not_the_whole_preset_is_refused(
    sources, paper_copy, part, changes, received
):
    config = paper_copy.read_config()
    (config[part] if part else config).update(changes)
    paper_copy.config.write_text(json.dumps(config))
    with pytest.raises(SettingsError, match=rf"expected a run of preset paper, .*{received}\."):
        gather(dataclasses.replace(sources, runs=(paper_copy.path,)))


def test_a_run_of_preset_paper_is_no_run_of_preset_default(sources):
    with pytest.raises(SettingsError, match=r"expected a run of preset default, .* preset paper,"):
        gather(dataclasses.replace(sources, default_runs=sources.runs))


@pytest.mark.parametrize("lost", ["everything", "modes", "baselines", "cycles", "total", "number"])
def test_damaged_metrics_are_refused_in_one_line(sources, paper_copy, capsys, tmp_path, lost):
    metrics = json.loads(paper_copy.metrics.read_text())
    if lost == "everything":
        metrics = {}
    elif lost == "total":
        del metrics["baselines"]["nearest_label"]["total"]
    elif lost == "number":
        metrics["modes"]["prior"]["voltage_v"]["rmse"] = None
    else:
        del metrics[lost]
    paper_copy.metrics.write_text(json.dumps(metrics))
    argv = ["--output", str(tmp_path / "out"), "--runs", str(paper_copy.path)]
    assert report.main(argv) == 2
    assert f"{paper_copy.metrics}: not what a run measured" in one_error_line(capsys)


def test_two_ablations_of_one_number_of_cycles_are_refused(sources, tmp_path):
    second = write_ablation(tmp_path / "second")
    with pytest.raises(SettingsError, match=r"second: of 6 early cycles, as another one"):
        gather(dataclasses.replace(sources, ablations=(*sources.ablations, second)))


def test_two_runs_of_one_number_of_cycles_are_refused(sources):
    with pytest.raises(SettingsError, match="of 6 early cycles, as another one"):
        gather(dataclasses.replace(sources, runs=sources.runs * 2))


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_damaged_file_is_named(sources, tmp_path, text):
    (tmp_path / "reproduce.json").write_text(text)
    with pytest.raises(SettingsError, match=r"reproduce\.json: .*Make it anew"):
        gather(sources)


def test_names_from_files_cannot_become_markup(sources, tmp_path, not_drawn):
    record = json.loads(json.dumps(RECORD))
    record["settings"]["input"] = "<script>alert(1)<b>"
    (tmp_path / "reproduce.json").write_text(json.dumps(record))
    page.write_page(sources, tmp_path)
    text = (tmp_path / "index.html").read_text()
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;b&gt;" in text


TABLE = ReportTable(
    "table_2",
    "Title",
    "",
    ("n", "detach", "MAE V (V) ours", "MAE V (V) paper", "MAE V (V) difference", "mean / copy"),
    (
        (20, "None", 0.02, 0.0234, -0.0034, 1.234),
        (20, "Decoder_1", 0.5, 0.25, 0.25, None),
        (20, "Decoder_2", None, 0.25, None, None),
        (20, "Decoder_3", 0.25, 0.25, 0.00001, 12.0),
    ),
)


def test_errors_have_four_decimals_ratios_two_and_differences_a_sign_and_a_colour():
    rows = [cells for _, cells in page_table(TABLE).rows]
    assert rows[0] == (
        *(PageCell("20"), PageCell("None", "text"), PageCell("0.0200"), PageCell("0.0234")),
        *(PageCell("\N{MINUS SIGN}0.0034", "better"), PageCell("1.23")),
    )
    assert rows[1][4:] == (PageCell("+0.2500", "worse"), PageCell("-", "none"))
    assert rows[3][4:] == (PageCell("0.0000"), PageCell("12.00"))


def test_rows_that_were_not_run_look_so():
    assert [look for look, _ in page_table(TABLE).rows] == ["", "", "absent", ""]


def test_headings_of_one_quantity_stand_under_it():
    table = page_table(TABLE)
    assert table.groups == (Heading("", 2), Heading("MAE V (V)", 3), Heading("", 1))
    assert [heading.text for heading in table.headings] == [
        *("n", "detach", "ours", "paper", "difference", "mean / copy"),
    ]
    assert [heading.look for heading in table.headings] == ["", "text", "", "", "", ""]
    assert table.keyed


def test_facts_keep_significant_digits():
    table = ReportTable("best", "", "", ("rate", "value"), ((0.00123456, 1e-7),))
    assert page_table(table, fixed=False).rows == (("", (PageCell("0.00123"), PageCell("1e-07"))),)


def paper_results(changes, cycles=100):
    """A run of preset `paper` with other settings, for what a page says of them."""
    config = resolve("paper", None, changes).to_dict()
    return {cycles: RunResults(metrics={}, config=config, samples=None, embedding=None)}


def test_settings_as_trained_say_where_each_comes_from():
    trials = [{"trial": 0, "status": "COMPLETED", "val_mae": 0.1, "hidden_dim": 64}]
    best = resolve("paper", None, {"hidden_dim": 64, "seed": 7}).to_dict()
    runs = paper_results({"hidden_dim": 64, "seed": 7, "epochs": 50})
    table = page_facts.best_table(Material(runs=runs, trials=trials, best=best))
    assert table.title == "Settings of preset paper as trained at n = 100"
    rows = {name: (value, origin) for name, value, origin in table.rows}
    assert rows["hidden_dim"] == ("64", "searched")
    assert rows["epochs"] == ("50", "flag")
    assert rows["seed"] == ("7", "flag")
    assert rows["latent_dim"] == ("32", "set by the preset")
    given = {name: value for name, (value, origin) in rows.items() if "given" in origin}
    assert given == {
        **{"num_hidden_layers": "16", "embedding_dim": "473", "kl_weight": "1"},
        **{"patience": "100", "merge_validation": "True"},
    }


def test_a_searched_setting_that_was_trained_otherwise_came_from_a_flag():
    trials = [{"trial": 0, "val_mae": 0.1, "hidden_dim": 64}]
    best = resolve("paper", None, {"hidden_dim": 64}).to_dict()
    runs = paper_results({"hidden_dim": 32})
    table = page_facts.best_table(Material(runs=runs, trials=trials, best=best))
    assert ("hidden_dim", "32", "flag") in table.rows
    assert ("epochs", "1000", "given by the paper") in table.rows


def test_without_a_run_the_settings_are_those_that_the_search_found():
    best = {"model": {"hidden_dim": 64}}
    table = page_facts.best_table(Material(trials=[{"trial": 0, "hidden_dim": 64}], best=best))
    assert table.title == "Settings that the search found"
    assert table.rows == (("hidden_dim", "64", "searched"),)


def extent_of(**settings):
    return "".join(finding.text for finding in summary(Material(record={"settings": settings})))


def test_every_cut_is_named_beside_what_is_whole():
    cut = extent_of(
        early_cycles=["20", "100"],
        **{"trials": 3, "trial_epochs": 5, "epochs": 50, "default_epochs": 30},
        **{"rows": ["None"] * 6, "ablation_epochs": 25, "default_cycles": ["20"]},
        ablation_cycles=["100"],
    )
    assert cut == (
        "Cut short: n = 20, 100 early cycles (20, 40, 60, 80, 100); the search: 3 trials of at "
        "most 5 epochs (30 of 100); trainings of preset paper end after 50 epochs (1000), of "
        "preset default end after 30 epochs (200); preset default was trained at n = 20 alone; "
        "rows of the ablation after 25 epochs (1000); 6 of 34 rows of the ablation; the ablation "
        "at n = 100 alone."
    )


def test_preset_default_is_cut_by_its_own_200_epochs_alone():
    assert extent_of(epochs=400) == (
        "Cut short: trainings of preset paper end after 400 epochs (1000); rows of the ablation "
        "after 400 epochs (1000)."
    )
    assert extent_of(default_epochs=199) == (
        "Cut short: trainings of preset default end after 199 epochs (200)."
    )
    assert extent_of(default_epochs=200) == ""


def test_epochs_cut_the_trials_too():
    assert "30 trials of at most 40 epochs (30 of 100)" in extent_of(epochs=40)


def test_a_reproduction_without_preset_default_says_so():
    assert extent_of(default_preset=False, default_epochs=3) == (
        "Cut short: preset default was not trained."
    )


def test_quick_says_what_it_is_worth():
    assert extent_of(quick=True, trials=2) == (
        "Cut short: the search: 2 trials of at most 100 epochs (30 of 100). It shows that "
        "everything runs, not how good the model can be."
    )


def test_an_uncut_reproduction_says_nothing_of_cuts():
    assert extent_of(seed=3, early_cycles=["20", "40", "60", "80", "100"]) == ""
    assert summary(Material()) == []


def test_look_ups_say_what_they_were_told(made_page, sources):
    setting = gather(sources).runs[6].metrics["baseline_settings"]["k_nearest_mean"]
    neighbours = f"k_nearest_mean (k {setting['k']}, w {setting['condition_weight']:g})"
    # Preset paper trains on the 3 charges for validation too.
    for count in (18, 15):
        assert (
            f"n = 6, of {count} training charges: nearest_label (w 0.9), {neighbours}."
            in made_page.text
        )
    assert "replaces the 0.9 of assumption 0006" in made_page.text


def test_the_page_says_that_rows_have_not_left_the_plateau(sources):
    material = gather(sources)
    baseline = material.runs[6].metrics["baselines"]["global_mean"]["total"]
    for mae, is_said in ((0.91, True), (0.89, False)):
        material.ablation = [{**row, "mae": mae} for row in material.ablation]
        material.runs[6].metrics["baselines"]["global_mean"]["total"] = {**baseline, "mae": 1.0}
        notes = [table.note for table in ablation_tables(material)]
        notes += [finding.text for finding in summary(material) if finding.name == "Ablation"]
        assert len(notes) == 4
        assert [note.endswith("they say nothing of the parts.") for note in notes] == [is_said] * 4
    assert "0.91 against 1" in plateau_text([{**material.ablation[0], "mae": 0.91}], {6: 1.0})


def test_assumptions_are_those_of_the_decisions():
    readme = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[(\d{4})\]\([^)]*\) \| (.*?) \| (.*?) \|$", readme, re.MULTILINE)
    assert len(rows) >= 15
    plain = tuple(tuple(cell.replace("`", "") for cell in row) for row in rows)
    assert page_facts.assumptions_table().rows == plain


def test_the_command_says_what_is_not_there_and_where_the_page_is(tmp_path, capsys, not_drawn):
    argv = ["--output", str(tmp_path / "out"), "--runs", str(tmp_path / "run")]
    assert report.main(argv) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"not there: {tmp_path / 'run' / 'metrics.json'}",
        f"page: {tmp_path / 'out' / 'index.html'}",
    ]


def test_the_command_asks_for_its_output(capsys):
    assert exit_code(report.main, []) == 2
    assert "--output" in one_error_line(capsys)
