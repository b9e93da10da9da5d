"""One HDF5 file in the layout of the MATR files; `data_prep.synthetic.matr_file` writes it."""

from pathlib import Path

from rcvae_tf.generation.charges import SetFacts
from rcvae_tf.generation.formats.cells import CellByCell, set_of
from rcvae_tf.generation.formats.writing import refuse_unknown

NEEDED = ("voltage_v", "current_c_rate", "charge_capacity_ah", "elapsed_time_s")


def open_writer(path: Path, facts: SetFacts) -> CellByCell:
    """A file at a path, overwritten."""
    from data_prep.synthetic.matr_file import MatrWriter

    refuse_unknown(facts, "matr", NEEDED)
    return CellByCell(MatrWriter(path, set_of(facts)), path, facts)
