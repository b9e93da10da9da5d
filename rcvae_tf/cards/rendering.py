"""What both cards need: templates, and numbers and texts as Markdown has them."""

import json
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

PAPER = "https://arxiv.org/abs/2404.07577"


def render(template: str, **material: Any) -> str:
    """A card from its template, a line end at its end."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    folder = files("rcvae_tf.cards") / "templates"
    environment = Environment(
        loader=FunctionLoader(lambda name: (folder / name).read_text(encoding="utf-8")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701  Markdown, not HTML
    )
    environment.filters["quoted"] = quoted
    environment.filters["cell"] = cell
    return environment.get_template(template).render(paper=PAPER, **material).rstrip() + "\n"


def quoted(text: str) -> str:
    """A text for the YAML header, whatever is in it: YAML takes strings as JSON writes them."""
    known = str(text).encode("utf-8", "replace").decode("utf-8")
    in_quotes = json.dumps(known, ensure_ascii=False)
    # YAML does not take the characters that cannot be printed; JSON lets some of them through.
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in in_quotes)


def cell(text: str) -> str:
    """A text for a cell of a Markdown table, or for a line."""
    return " ".join(str(text).split()).replace("|", "\\|")


def ranges(low_high: Iterable[int]) -> str:
    """Two ends of a range as words: "400 to 900", or the one number that it is."""
    low, high = low_high
    return str(low) if low == high else f"{low} to {high}"
