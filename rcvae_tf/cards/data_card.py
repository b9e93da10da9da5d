"""The card of a generated data set."""

from rcvae_tf.cards.rendering import ranges, render
from rcvae_tf.generation.charges import SetFacts

# Words of Hugging Face for numbers of rows below each bound.
SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"))
LARGEST = "1M<n<10M"


def data_card(facts: SetFacts, file_names: list[str], format_name: str) -> str:
    """What a stranger must know of a generated data set, as Markdown.

    Args:
        facts: Of the set.
        file_names: Of its data, relative to the card.
        format_name: As `--format` has it.
    """
    told = facts.provenance
    conditions = told["conditions"]
    return render(
        "data_card.md",
        facts=facts,
        told=told,
        conditions=conditions,
        eol=ranges(conditions["eol"]),
        ecl=ranges(conditions["ecl"]),
        training_eol=ranges(conditions["training_eol"]),
        training_ecl=ranges(conditions["training_ecl"]),
        size=next((word for most, word in SIZES if facts.num_charges < most), LARGEST),
        training_cells=told["training_data"].get("training_cells", []),
        split=told["training_data"]["preparation"]["split"],
        file_names=file_names,
        format_name=format_name,
    )
