"""What the export says on the terminal."""

from rcvae_tf.exporting.archive import Exported
from rcvae_tf.servable.layout import GENERATE


def describe_export(exported: Exported) -> list[str]:
    """The version, its signatures, what it lacks, and how to use it; a line each."""
    directory = exported.directory
    signatures = exported.endpoints.by_signature()
    width = max(len(name) for name in signatures)
    return [
        f"{directory.path}: SavedModel, version {directory.version}",
        *(
            f"  {name:<{width}}  {', '.join(endpoint.inputs)}"
            for name, endpoint in signatures.items()
        ),
        *exported.notes,
        f"look:  saved_model_cli show --dir {directory.path} --tag_set serve "
        f"--signature_def {GENERATE}",
        f"serve: python -m rcvae_tf.serve --model {directory.path.parent}",
    ]
