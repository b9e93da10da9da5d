"""The draws of a view as files: one CSV, or Battery Data Format."""

import io
import re
import tempfile
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson

from data_prep.errors import SettingsError
from data_prep.synthetic.charges import SYNTHETIC_NOTE
from rcvae_tf.generation.charges import ChargeBlock, SetFacts
from rcvae_tf.generation.formats import FORMATS
from rcvae_tf.servable.facts import ServedFacts
from rcvae_tf.serving.explorer.asked import Asked
from rcvae_tf.serving.explorer.drawn import Drawn
from rcvae_tf.serving.explorer.explorable import Explorable
from rcvae_tf.serving.explorer.support import support_of

CSV_TYPE, ZIP_TYPE = "text/csv; charset=utf-8", "application/zip"
SIDECAR = "synthetic.json"
# A date in an archive would make the same view another file each time; this is its earliest.
ZIP_DATE = (1980, 1, 1, 0, 0, 0)


class Download(NamedTuple):
    """A file to be sent.

    Args:
        name: It begins with `synthetic_`, and says model, version and view.
        media_type: Of HTTP.
        content: The bytes.
    """

    name: str
    media_type: str
    content: bytes


def csv_download(model: Explorable, asked: Asked, drawn: Drawn) -> Download:
    """One table, a row a point, draw after draw."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        _write("csv", path, model, asked, drawn)
        return Download(f"{_stem(model, asked)}.csv", CSV_TYPE, path.read_bytes())


def bdf_download(model: Explorable, asked: Asked, drawn: Drawn) -> Download:
    """Battery Data Format: of one draw its table; of several a zip of a folder.

    In the zip lie a table for each draw, `cells.csv`, and `synthetic.json` with model, seeds and
    condition.

    Raises:
        SettingsError: The model lacks what the format needs.
    """
    lacks = bdf_lacks(model.facts)
    if lacks:
        raise SettingsError(f"BDF needs {lacks}, which this model does not have. Take the CSV.")
    stem = _stem(model, asked)
    with tempfile.TemporaryDirectory() as folder:
        _write("bdf-csv", Path(folder), model, asked, drawn)
        if asked.draws == 1:
            (table,) = Path(folder).glob("*.bdf.csv")
            return Download(f"{stem}.bdf.csv", CSV_TYPE, table.read_bytes())
        sidecar = orjson.dumps(provenance(model, asked, drawn), option=orjson.OPT_INDENT_2)
        (Path(folder) / SIDECAR).write_bytes(sidecar + b"\n")
        return Download(f"{stem}_bdf.zip", ZIP_TYPE, _zipped(Path(folder), f"{stem}_bdf"))


def bdf_lacks(facts: ServedFacts) -> str:
    """What Battery Data Format needs and a model does not have; empty where it has all."""
    if "elapsed_time_s" not in facts.signals:
        return "the time"
    return "" if facts.nominal_capacity_ah is not None else "the nominal capacity"


def provenance(model: Explorable, asked: Asked, drawn: Drawn) -> dict[str, Any]:
    """Where the charges come from, ready for JSON."""
    return {
        "synthetic": True,
        "statement": SYNTHETIC_NOTE,
        **model.facts.provenance,
        "model": model.name,
        "version": model.version,
        "seed": asked.seed,
        "seeds": list(asked.seeds),
        "samples": asked.draws,
        "conditions": {
            "eol": asked.eol,
            "ecl": asked.ecl,
            "policy": asked.policy,
            "training_eol": model.facts.eol_range,
            "training_ecl": model.facts.ecl_range,
            "matched": support_of(asked, drawn, model.facts),
        },
    }


def _stem(model: Explorable, asked: Asked) -> str:
    view = f"eol{asked.eol}_ecl{asked.ecl}_seed{asked.seed}_draws{asked.draws}"
    name = re.sub(r"[^A-Za-z0-9._-]", "_", model.name)  # that of a folder; a header takes less
    return f"synthetic_{name}_v{model.version}_{view}"


def _write(name: str, path: Path, model: Explorable, asked: Asked, drawn: Drawn) -> None:
    writer = FORMATS[name].open(path, _set_facts(model, asked, drawn))
    try:
        writer.add(_block(asked, drawn))
    except BaseException:
        writer.discard()
        raise
    writer.close()


def _block(asked: Asked, drawn: Drawn) -> ChargeBlock:
    """Each draw is a synthetic cell with one charge."""
    draws = np.arange(1, asked.draws + 1)
    return ChargeBlock(
        labels=np.tile([asked.eol, asked.ecl], (asked.draws, 1)),
        draws=draws,
        cell_ids=[f"synthetic_eol{asked.eol}_{draw}" for draw in draws],
        policies=[asked.policy] * asked.draws,
        in_support=np.full(asked.draws, drawn.in_support),
        projected=np.zeros(asked.draws, bool),
        curves=drawn.draws,
    )


def _set_facts(model: Explorable, asked: Asked, drawn: Drawn) -> SetFacts:
    facts = model.facts
    return SetFacts(
        signals=facts.signals,
        height=facts.height,
        width=facts.width,
        nominal_capacity_ah=facts.nominal_capacity_ah,
        max_voltage_v=facts.max_voltage_v,
        num_charges=asked.draws,
        num_cells=asked.draws,
        provenance=provenance(model, asked, drawn),
    )


def _zipped(folder: Path, name: str) -> bytes:
    """The files of a folder as an archive that unpacks into one folder of a name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(folder.iterdir()):
            entry = zipfile.ZipInfo(f"{name}/{path.name}", ZIP_DATE)
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
