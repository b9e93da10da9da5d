"""`python -m data_prep`: measurements in, a data set of quasi-video TFRecords out."""

import sys

from data_prep import command_line
from data_prep.config import DEMO_OUTPUT, PrepConfig

NAME = "python -m data_prep"


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code: 0 done, 2 the input or the arguments are at fault."""
    return command_line.run(_prepare, argv, NAME)


def _prepare(argv: list[str] | None) -> None:
    (given,) = command_line.parse(NAME, __doc__, argv, PrepConfig)
    config = PrepConfig(**given)

    from data_prep.pipeline import prepare

    card = prepare(config)
    counts = ", ".join(f"{card.num_samples(name)} {name}" for name in card.shards)
    output = config.output or DEMO_OUTPUT
    print(f"{output}: {sum(map(card.num_samples, card.shards))} samples ({counts})")
    print(f"signals: {', '.join(card.signals_present)}")
    print(f"next: python -m rcvae_tf.train --data {output}")


if __name__ == "__main__":
    sys.exit(main())
