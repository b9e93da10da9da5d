import io

from rich.console import Console

from rcvae_tf.indicators import INDICATORS
from rcvae_tf.report.indicator_table import print_indicators


def section(mae=0.003184, bias=-0.00061, inside=0.663, compared=363):
    return {
        "measured_mean": 0.9578,
        "measured_spread": 0.01,
        "mae": {"mean": mae, "nearest_label": 0.00378, "k_nearest_mean": 0.00311},
        "bias": bias,
        "coverage_90": inside,
        "charges": {"all": 400, "measured": 370, "mean": 365, "compared": compared},
        "draws": 1.0,
    }


def printed(metrics):
    text = io.StringIO()
    print_indicators(metrics, Console(file=text, width=200, soft_wrap=True))
    return text.getvalue()


def test_a_row_has_the_unit_that_is_shown():
    lines = [line.split() for line in printed({"capacity_soh": section()}).splitlines()]
    assert ["indicator", "value", "MAE", "nearest", "k", "near", "bias", "90", "%", "n"] in lines
    row = ["capacity", "SOH", "(%)", "95.78", "0.318", "0.378", "0.311", "-0.061", "0.66", "363"]
    assert row in lines


def test_what_could_not_be_compared_is_empty():
    empty = section(mae=None, bias=None, inside=None, compared=0)
    lines = [line.split() for line in printed({"cv_time_s": empty}).splitlines()]
    assert ["CV", "time", "(s)", "0.9578", "0.00378", "0.00311", "0"] in lines


def test_indicators_that_were_never_valid_are_named():
    text = printed({row.name: section() for row in INDICATORS[:-1]})
    assert "valid for no measured charge: V at 85 % SOC\n" in text
    assert "valid for no" not in printed({row.name: section() for row in INDICATORS})


def test_nothing_is_said_of_an_empty_section():
    assert printed({}) == ""


def test_no_line_is_longer_than_80_columns():
    few = printed({"cv_to_cc_time_ratio": section(compared=12345)})
    every = printed({row.name: section(compared=12345) for row in INDICATORS})
    for text in (few, every):
        assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
