"""`python -m rcvae_tf.report`: tables, figures and a page from what the other commands left."""

import sys
from dataclasses import dataclass
from pathlib import Path

from data_prep import command_line
from data_prep.settings import setting, validate

NAME = "python -m rcvae_tf.report"


@dataclass(frozen=True)
class ReportCommand:
    """What the page is made of; of each kind one folder for each number of early cycles."""

    output: str = setting(help="folder of index.html, tables/ and figures/")
    runs: tuple[str, ...] = setting((), help="runs of preset paper")
    default_runs: tuple[str, ...] = setting((), help="runs of preset default")
    ablations: tuple[str, ...] = setting((), help="ablations")
    data: tuple[str, ...] = setting((), help="data sets, for figures and counts")
    search: str | None = setting(None, help="folder of the search")
    record: str | None = setting(None, help="reproduce.json, for settings, versions and times")

    def __post_init__(self) -> None:
        validate(self)


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code: 0 done, 2 the input or the arguments are at fault."""
    return command_line.run(_report, argv, NAME)


def _report(argv: list[str] | None) -> None:
    (given,) = command_line.parse(NAME, __doc__, argv, ReportCommand)
    command = ReportCommand(**given)

    from rcvae_tf.report.page import PAGE, write_page
    from rcvae_tf.report.page_sources import Sources

    sources = Sources(
        runs=_paths(command.runs),
        default_runs=_paths(command.default_runs),
        ablations=_paths(command.ablations),
        data=_paths(command.data),
        search=Path(command.search) if command.search else None,
        record=Path(command.record) if command.record else None,
    )
    for name in write_page(sources, Path(command.output)):
        print(f"not there: {name}")
    print(f"page: {Path(command.output) / PAGE}")


def _paths(words: tuple[str, ...]) -> tuple[Path, ...]:
    return tuple(map(Path, words))


if __name__ == "__main__":
    sys.exit(main())
