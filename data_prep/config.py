"""What a preparation may be told; the flags of `python -m data_prep`."""

from dataclasses import dataclass

from data_prep.cleaning.rules import OPTIONAL_RULES
from data_prep.errors import SettingsError
from data_prep.settings import setting, validate
from data_prep.sources import SOURCES
from data_prep.sources.base import SourceOptions

AUTO = "auto"
DEMO_OUTPUT = "data/demo"


@dataclass(frozen=True)
class PrepConfig:
    """Settings of one preparation, saved in the card of the data set."""

    source: str = setting(
        "auto",
        choices=(AUTO, *SOURCES),
        help="format of the measurements; auto looks at the files, and is the demo without --input",
    )
    input: str | None = setting(None, help="folder of the measurement files, or one file")
    output: str | None = setting(
        None, help=f"folder of the data set to make (default: {DEMO_OUTPUT} for the demo)"
    )
    cycles: int = setting(100, minimum=1, help="use cycles 1 to this number of every cell")
    split: str = setting(
        "sample",
        choices=("sample", "cell"),
        help="sample: all charges shuffled, as the paper does; cell: no cell in two splits",
    )
    folds: int | None = setting(
        None,
        minimum=2,
        help="with --split cell: deal the cells of each charge policy into so many folds, of which "
        "one is tested",
    )
    fold: int | None = setting(None, minimum=1, help="with --folds: the fold that is tested")
    seed: int = setting(0, minimum=0, maximum=2**31 - 1, help="seed of the split")
    height: int = setting(16, minimum=2, maximum=128, help="rows of a quasi-video frame")
    width: int = setting(16, minimum=2, maximum=128, help="columns of a quasi-video frame")
    eol_threshold: float = setting(
        0.8, minimum=0.05, maximum=1.0, help="end of life as a share of the nominal capacity"
    )
    eol_fallback: str = setting(
        "drop",
        choices=("drop", "last"),
        help="cells without an end of life: drop them, or take their last cycle for it",
    )
    nominal_capacity_ah: float | None = setting(
        None, minimum=1e-4, help="1 C in A, where the files do not say or say it wrongly"
    )
    exclude: tuple[str, ...] = setting((), help="cells to leave out, by name")
    without_rules: tuple[str, ...] = setting((), help="rules of cleaning to leave out, by name")
    temperature_column: str | None = setting(
        None,
        help="column to take where a file has several temperatures; none takes no temperature "
        "(default: the first)",
    )
    skip_bad_files: bool = setting(
        False, help="go on without the files that cannot be read; they are named and counted"
    )
    figures: bool = setting(False, help="draw capacity fade, one cell's charges, and the cleaning")
    jobs: int | None = setting(
        None, minimum=1, maximum=1024, help="processes that read (default: one a core)"
    )
    overwrite: bool = setting(False, help="replace a data set that lies at --output")

    def __post_init__(self) -> None:
        validate(self)
        unknown = [name for name in self.without_rules if name not in OPTIONAL_RULES]
        if unknown:
            raise SettingsError(
                f"`without_rules` must be among {', '.join(OPTIONAL_RULES)}. "
                f"Received: {unknown[0]}."
            )
        self._check_folds()

    def _check_folds(self) -> None:
        if self.folds is None and self.fold is None:
            return
        if self.split != "cell":
            raise SettingsError(
                f"`folds` and `fold` are of cells and need --split cell. Received: "
                f"split={self.split}."
            )
        if self.folds is None or self.fold is None:
            raise SettingsError(
                f"`folds` and `fold` belong together: --folds 5 --fold 1 tests the first of five. "
                f"Received: folds={self.folds}, fold={self.fold}."
            )
        if self.fold > self.folds:
            raise SettingsError(
                f"`fold` must be an integer from 1 to {self.folds}, the number of folds. "
                f"Received: fold={self.fold}."
            )

    @property
    def num_points(self) -> int:
        """Points of a series: the pixels of a frame."""
        return self.height * self.width

    @property
    def source_options(self) -> SourceOptions:
        """What a reader is told."""
        return SourceOptions(self.nominal_capacity_ah, self.temperature_column)
