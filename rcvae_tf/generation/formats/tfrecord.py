"""A data set of our own format, ready for training; `data_prep.synthetic.data_set` writes it."""

from pathlib import Path

from data_prep.errors import SettingsError
from data_prep.splitting import SPLITS
from rcvae_tf.generation.charges import SetFacts
from rcvae_tf.generation.formats.cells import CellByCell, set_of
from rcvae_tf.generation.formats.writing import refuse_unknown


def open_writer(path: Path, facts: SetFacts) -> CellByCell:
    """A data set in an empty folder."""
    from data_prep.synthetic.data_set import DataSetWriter

    refuse_unknown(facts, "tfrecord", ("nominal_capacity_ah",))
    if facts.num_charges < len(SPLITS):
        raise SettingsError(
            f"--format tfrecord splits into {', '.join(SPLITS)} and needs {len(SPLITS)} charges or "
            f"more, asked for are {facts.num_charges}. Ask for more, or choose another --format."
        )
    return CellByCell(DataSetWriter(path, set_of(facts)), path, facts)
