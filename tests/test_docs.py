"""What the pages say and the code knows too."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_page_of_the_data_has_the_rules_of_the_code():
    from data_prep.cleaning.rules import rules_as_markdown

    assert rules_as_markdown().strip() in (ROOT / "docs" / "data.md").read_text(encoding="utf-8")


def test_the_page_of_the_data_names_every_source_and_repair():
    from data_prep.charges import clock, segmentation, temperature
    from data_prep.sources import SOURCES

    page = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    repairs = (
        clock.ROW_OUT_OF_TIME,
        clock.CLOCK_UNWRAPPED,
        segmentation.COUNTER_JOINED,
        temperature.TEMPERATURE_INTERPOLATED,
        temperature.TEMPERATURE_LEFT_OUT,
    )
    missing = [name for name in (*SOURCES, *repairs) if f"`{name}`" not in page]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_and_pictures_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    local = [target for target in targets if not target.startswith("http")]
    assert [target for target in local if not (page.parent / target).exists()] == []
