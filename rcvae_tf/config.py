"""Settings of the model and of its training."""

from dataclasses import dataclass

from data_prep.errors import SettingsError
from data_prep.settings import setting, validate

# What `ModelConfig.detach` may be beside the name of a layer.
OTHER_DETACH = ("none", "embedding", "latent")

# What a model may be told of a charge.
CONDITIONS = ("eol,ecl", "eol,ecl,policy")


@dataclass(frozen=True)
class ModelConfig:
    """What the network is; saved inside it. Defaults are those of preset `default`.

    Settings that only one of the two decoders has are told so by their help.
    """

    decoder: str = setting(
        "canvas",
        choices=("canvas", "quasi_video"),
        help="canvas: curves over absolute time and the duration, with the laws of charging built "
        "in; quasi_video: the paper's, all pixels at once",
    )
    condition: str = setting(
        CONDITIONS[0],
        choices=CONDITIONS,
        help="what the model is told of a charge; the policy needs decoder canvas",
    )
    num_hidden_layers: int = setting(
        3, minimum=1, maximum=64, help="hidden layers (blocks) of the encoder, and of the decoder"
    )
    hidden_dim: int = setting(
        320,
        minimum=2,
        maximum=8192,
        help="width of a hidden layer; the encoder of decoder canvas has half of it",
    )
    latent_dim: int = setting(4, minimum=1, maximum=4096, help="size of z")
    embedding_dim: int = setting(
        32, minimum=1, maximum=4096, help="size of the embedding of a condition label"
    )
    block: str = setting(
        "residual",
        choices=("plain", "residual"),
        help="plain: the paper's ReLU layers; residual: pre-norm blocks",
    )
    continuous_condition: bool = setting(
        True, help="give the networks EOL and ECL as numbers beside the embedding of their label"
    )
    scaling: str = setting(
        "centred",
        choices=("min_max", "centred"),
        help="min_max: each signal to 0..1; centred: deviation from the training mean curve, "
        "in units of each signal's spread",
    )
    quasi_video_depth: int = setting(
        3, minimum=2, maximum=3, help="2: the paper's frames; 3: the elapsed time too"
    )
    mse_reduction: str = setting(
        "sum",
        choices=("mean", "sum"),
        help="over the elements of a sample: mean as Eq. 15 is read, or the sum of the ELBO",
    )
    mean_mode_weight: float = setting(
        1.0, minimum=0.0, help="weight of the squared error of what is decoded from z = 0"
    )
    encode_deviation: bool = setting(
        True, help="encode a sample's deviation from what is decoded from z = 0"
    )
    kl_weight: float = setting(1.0, minimum=0.0, help="weight of the KLD in the loss")
    num_knots: int = setting(
        500, minimum=8, maximum=4096, help="canvas: knots in time that curves are drawn on"
    )
    num_frequencies: int = setting(
        7, minimum=0, maximum=12, help="canvas: sine and cosine pairs of ECL that tell ages apart"
    )
    ecl_jitter: float = setting(
        3.0,
        minimum=0.0,
        help="canvas: cycles by which training moves ages, so that neighbours learn together",
    )
    known_lives: bool = setting(
        True, help="canvas: an embedding for every EOL of training; leave out for new cells"
    )
    blind_tail: bool = setting(
        False,
        help="canvas: what follows the fast charge, and how long it takes, is not told the policy; "
        "for new cells",
    )
    duration_to_curves: bool = setting(
        False, help="canvas: curves are told by how much the charge is longer than expected"
    )
    spread_scale: float = setting(
        1.0,
        minimum=0.0,
        help="canvas: factor on the learned spreads of duration and points when curves are drawn",
    )
    current_spread: float = setting(
        1.0,
        minimum=0.0,
        help="canvas: further factor on that of points of the current, which between steps is "
        "steadier than any network draws it",
    )
    noise_factors: int = setting(
        64,
        minimum=0,
        maximum=1024,
        help="canvas: directions in which all points of a charge deviate together when it is "
        "drawn; 0: every point for itself",
    )
    validation_mode: str = setting(
        "mean",
        choices=("reconstruct", "mean"),
        help="what val_mae measures: the paper's reconstruction, or generation at z = 0",
    )
    detach: str = setting(
        "none",
        help="what an ablation leaves out: encoder_K, decoder_K, embedding, latent (z = 0) or none",
    )

    def __post_init__(self) -> None:
        validate(self)
        if self.decoder == "canvas" and self.quasi_video_depth != 3:
            raise SettingsError(
                "decoder canvas generates the elapsed time and needs `quasi_video_depth` 3. "
                f"Received: quasi_video_depth={self.quasi_video_depth}."
            )
        if self.with_policy and self.decoder != "canvas":
            raise SettingsError(
                f"`condition` with the policy needs decoder canvas (preset default). "
                f"Received: decoder={self.decoder!r}."
            )
        if self.detach not in (*detachable_layers(self.num_hidden_layers), *OTHER_DETACH):
            raise SettingsError(
                f"`detach` must be {_detach_choices(self.num_hidden_layers)} where "
                f"num_hidden_layers is {self.num_hidden_layers}. Received: detach={self.detach!r}."
            )

    @property
    def with_policy(self) -> bool:
        """Whether the model is told the charge policy."""
        return "policy" in self.condition

    def detached_layer(self, network: str) -> int | None:
        """Number of the layer that `encoder` or `decoder` goes without; None where it is whole."""
        name, _, number = self.detach.partition("_")
        return int(number) if name == network else None


def detachable_layers(num_hidden_layers: int) -> list[str]:
    """Names of the layers that Table 2 takes out, in its order.

    The first layer of the encoder and the last of the decoder stay.
    """
    names = []
    for k in range(1, num_hidden_layers + 1):
        names += [f"decoder_{k}"] if k < num_hidden_layers else []
        names += [f"encoder_{k}"] if k > 1 else []
    return names


def _detach_choices(num_hidden_layers: int) -> str:
    """The words that `detach` may be, told briefly."""
    ends = (("encoder", 2, num_hidden_layers), ("decoder", 1, num_hidden_layers - 1))
    layers = [f"{name}_{first} to {name}_{last}" for name, first, last in ends if first <= last]
    return ", ".join([*layers, *OTHER_DETACH[:-1]]) + f" or {OTHER_DETACH[-1]}"


@dataclass(frozen=True)
class TrainConfig:
    """How it is trained; saved beside the run. Defaults are those of preset `default`."""

    epochs: int = setting(200, minimum=1, help="epochs at the most")
    patience: int = setting(
        100, minimum=1, help="epochs without a lower val_mae after which training ends"
    )
    keep: str = setting(
        "best",
        choices=("best", "last"),
        help="the model that is kept: of the lowest val_mae, or of the last epoch",
    )
    batch_size: int = setting(64, minimum=1, help="samples in a batch (K)")
    learning_rate: float = setting(
        4e-3, minimum=1e-8, maximum=1.0, help="learning rate, at its highest"
    )
    schedule: str = setting(
        "cosine", choices=("constant", "cosine"), help="course of the learning rate"
    )
    weight_decay: float = setting(
        1e-3, minimum=0.0, maximum=1.0, help="decay of the weights (AdamW); 0 is Adam"
    )
    clip_norm: float = setting(
        5.0, minimum=0.0, help="gradients are clipped to this norm each; 0 does not clip"
    )
    average_decay: float = setting(
        0.99,
        minimum=0.0,
        maximum=0.99999,
        help="what is validated and kept is a running average of the weights; 0 takes the last",
    )
    kl_warmup_epochs: int = setting(
        0, minimum=0, help="epochs in which the weight of the KLD rises from 0"
    )
    neighbour_share: float = setting(
        0.0,
        minimum=0.0,
        maximum=1.0,
        help="share of training samples whose label is replaced by a neighbouring one, as it is "
        "at inference",
    )
    merge_validation: bool = setting(
        False, help="train on the validation split too, as Algorithm 2 does"
    )
    shuffle_labels: bool = setting(
        False, help="permute the labels among the samples that are trained on; a control"
    )
    condition_weight: float = setting(
        0.9, minimum=0.0, maximum=1.0, help="weight of EOL against ECL in the distance of Eq. 14"
    )
    seed: int = setting(1, minimum=0, maximum=2**31 - 1, help="seed of weights, batches and noise")
    jit_compile: bool = setting(True, help="compile the training step with XLA")

    def __post_init__(self) -> None:
        validate(self)
