"""`python -m rcvae_tf.serve`: an exported model over REST, and a page to explore it."""

import sys
from dataclasses import dataclass
from pathlib import Path

from data_prep import command_line
from data_prep.errors import SettingsError
from data_prep.quiet_tensorflow import import_tensorflow
from data_prep.settings import from_dict, setting, validate
from rcvae_tf.serving.config import ServerConfig

NAME = "python -m rcvae_tf.serve"


@dataclass(frozen=True)
class ServeCommand:
    """What to serve."""

    model: str = setting(help="folder of the model that `python -m rcvae_tf.export` wrote")

    def __post_init__(self) -> None:
        validate(self)


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code: 0 done, 2 the input or the arguments are at fault."""
    return command_line.run(_serve, argv, NAME)


def _serve(argv: list[str] | None) -> None:
    given, of_server = command_line.parse(NAME, __doc__, argv, ServeCommand, ServerConfig)
    command, config = ServeCommand(**given), from_dict(ServerConfig, of_server)
    try:
        import fastapi  # noqa: F401
        import orjson  # noqa: F401
        import plotly  # noqa: F401
        import prometheus_client  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise SettingsError(
            f"{error.name} is not installed. Install the extra: pip install 'rcvae_tf[serve]'."
        ) from error
    import_tensorflow()
    from rcvae_tf.serving.server import serve

    folder = Path(command.model)

    def started(address: str) -> None:
        print(
            f"{address}/: explorer page",
            f"{address}/v1/models/{folder.resolve().name}: REST; /openapi.json, /health, "
            f"/monitoring/prometheus/metrics",
            sep="\n",
            flush=True,
        )

    serve(folder, config, started)


if __name__ == "__main__":
    sys.exit(main())
