"""The tables of the ablation as the page shows them: with a word on rows trained too briefly."""

from dataclasses import replace

from rcvae_tf.report.ablation_tables import plateau_text, table_2, table_s1, table_s2
from rcvae_tf.report.labels import TOTAL
from rcvae_tf.report.page_sources import Material
from rcvae_tf.report.paper_tables import ALL_ALIKE
from rcvae_tf.report.report_table import ReportTable


def ablation_tables(material: Material) -> list[ReportTable]:
    """Tables 2, S1 and S2."""
    means = {
        cycles: float(run.metrics["baselines"][ALL_ALIKE][TOTAL]["mae"])
        for cycles, run in material.runs.items()
    }
    warning = plateau_text(material.ablation, means)
    return [
        replace(table, note=f"{table.note} {warning}".strip())
        for table in (
            make(material.ablation, material.generated) for make in (table_2, table_s1, table_s2)
        )
    ]
