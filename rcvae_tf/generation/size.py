"""How large a generated data set becomes, before it is made."""

from data_prep.errors import SettingsError
from rcvae_tf.generation.charges import SetFacts
from rcvae_tf.generation.formats import Format

# Of a value of a point, about; text has up to nine digits and a comma, and facts in each row.
TEXT_BYTES, NUMBER_BYTES = 14, 4
TEXT_FORMATS = ("csv", "bdf-csv")
FILES_A_CELL = ("bdf-csv", "bdf-parquet")
# Beyond these a set is only made when the user says so.
LARGE_BYTES = 2 * 10**9
LARGE_FILES = 10_000
GIGABYTE = 1e9


def check_size(facts: SetFacts, entry: Format, agreed: bool) -> None:
    """Asks for a yes before much of the disk is filled.

    Args:
        facts: Of the set.
        entry: Its format.
        agreed: Whether the user said yes.

    Raises:
        SettingsError: It is large, and the user has not agreed; says how large.
    """
    value_bytes = TEXT_BYTES if entry.name in TEXT_FORMATS else NUMBER_BYTES
    num_bytes = facts.num_charges * facts.height * facts.width * len(facts.signals) * value_bytes
    num_files = facts.num_cells if entry.name in FILES_A_CELL else 1
    if agreed or (num_bytes <= LARGE_BYTES and num_files <= LARGE_FILES):
        return
    files = f" in {num_files} files" if num_files > 1 else ""
    raise SettingsError(
        f"{facts.num_charges} charges of {facts.num_cells} synthetic cells would take about "
        f"{num_bytes / GIGABYTE:.2g} GB{files} before compression. Add --yes to make them, or ask "
        f"for fewer."
    )
