"""The addresses of the page, over HTTP."""

import gzip
import io
import json
import zipfile
from functools import partial

import numpy as np
import pandas as pd
import pytest

from data_prep.errors import DatasetError
from rcvae_tf.serving.explorer.static_files import SOURCES
from tests.rcvae_tf.serving.explorer_fakes import app, fake_model, get, served

VIEW = "eol=800&ecl=50&draws=3&seed=7"


@pytest.fixture(scope="module")
def client():
    with served(fake_model()) as address:
        yield partial(get, address)


def test_page_and_its_files(client):
    page = client("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for name in SOURCES:
        answer = client(f"/explorer/static/{name}")
        assert answer.status == 200, name
        assert answer.content
    # Nothing of the page comes from elsewhere, and no script stands in it.
    assert "http" not in page.text
    assert page.text.count("<script") == page.text.count("<script src=") == 2
    for name in ("explorer.js", "plots.js", "panels.js", "fields.js", "theme.js", "explorer.css"):
        assert "http" not in client(f"/explorer/static/{name}").text


def test_plotly_is_that_of_the_package(client):
    answer = client("/explorer/static/plotly.min.js")
    assert b"plotly.js v" in answer.content[:200]
    assert "content-encoding" not in answer.headers
    zipped = client("/explorer/static/plotly.min.js", {"accept-encoding": "gzip"})
    assert zipped.headers["content-encoding"] == "gzip"
    assert gzip.decompress(zipped.content) == answer.content
    assert len(zipped.content) < len(answer.content) / 2


def test_file_that_is_still_the_same_is_not_sent_again(client):
    first = client("/explorer/static/explorer.js")
    tag = {"if-none-match": first.headers["etag"]}
    again = client("/explorer/static/explorer.js", tag)
    assert (again.status, again.content) == (304, b"")
    assert client("/", tag).status == 200


@pytest.mark.parametrize("name", ["routes.py", "..%2froutes.py", "%2e%2e%2f%2e%2e", "", "a/b"])
def test_no_other_file(client, name):
    answer = client(f"/explorer/static/{name}")
    assert answer.status == 404


def test_charges(client):
    answer = client(f"/explorer/charges?{VIEW}")
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body["model"] == {"name": "rcvae", "version": 3}
    # The shortest text of a float32.
    assert [draw[0] for draw in body["curves"]["draws"]["voltage_v"]] == [3.035, 3.04, 3.045]
    assert np.shape(body["frames"]["generated"]["colour"]) == (16, 16, 3)


def test_field_at_fault(client):
    answer = client("/explorer/charges?eol=800&ecl=x")
    assert answer.status == 400
    assert answer.json() == {
        "error": "ECL must be a whole number from 1 to 1000000. Received: ECL=x.",
        "field": "ecl",
    }
    for address in ("download.csv", "download.bdf.csv"):
        assert client(f"/explorer/{address}?eol=0&ecl=1").json()["field"] == "eol"


def test_what_the_server_raises_is_let_through():
    def current():
        raise DatasetError("none is loaded")

    with served(app(current)) as address:
        answer = get(address, "/explorer/facts")
    assert (answer.status, answer.json()) == (400, {"error": "none is loaded"})


def test_csv_holds_the_charges_of_the_view(client):
    answer = client(f"/explorer/download.csv?{VIEW}")
    name = "synthetic_rcvae_v3_eol800_ecl50_seed7_draws3.csv"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    table = pd.read_csv(io.StringIO(answer.text))
    draws = client(f"/explorer/charges?{VIEW}").json()["curves"]["draws"]
    assert len(table) == 3 * 256
    np.testing.assert_array_equal(table["voltage_v"], np.ravel(draws["voltage_v"]))
    np.testing.assert_array_equal(table["elapsed_time_s"], np.ravel(draws["time_s"]))
    np.testing.assert_array_equal(table["sample"].unique(), [1, 2, 3])


def test_bdf_of_several_draws(client):
    answer = client(f"/explorer/download.bdf.csv?{VIEW}")
    stem = "synthetic_rcvae_v3_eol800_ecl50_seed7_draws3_bdf"
    assert f'"{stem}.zip"' in answer.headers["content-disposition"]
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    tables = [f"{stem}/synthetic_eol800_{draw}.bdf.csv" for draw in (1, 2, 3)]
    assert archive.namelist() == [f"{stem}/cells.csv", f"{stem}/synthetic.json", *tables]
    table = pd.read_csv(archive.open(tables[0]))
    assert table["Voltage / V"][0] == 3.035
    assert table["Current / A"][0] == pytest.approx(1.1)  # 1 C
    assert table["Cycle Count / 1"].unique() == [50]
    sidecar = json.loads(archive.read(f"{stem}/synthetic.json"))
    assert sidecar["synthetic"] is True
    assert sidecar["seeds"] == [7, 8, 9]
    assert sidecar["generator"] == {"run": "fake"}
    assert sidecar["conditions"]["matched"]["in_support"] is True
    assert answer.content == client(f"/explorer/download.bdf.csv?{VIEW}").content


def test_bdf_of_one_draw_is_a_table(client):
    answer = client("/explorer/download.bdf.csv?eol=800&ecl=50&draws=1")
    assert answer.headers["content-disposition"].endswith('_seed0_draws1.bdf.csv"')
    assert len(pd.read_csv(io.StringIO(answer.text))) == 256


@pytest.mark.parametrize(
    ("changes", "lacks"),
    [
        ({"signals": ("voltage_v", "current_c_rate", "charge_capacity_ah")}, "the time"),
        ({"nominal_capacity_ah": None}, "the nominal capacity"),
    ],
)
def test_bdf_of_a_model_that_lacks_what_it_needs(changes, lacks):
    with served(fake_model(**changes)) as address:
        answer = get(address, f"/explorer/download.bdf.csv?{VIEW}")
        assert answer.status == 400
        assert answer.json() == {
            "error": f"BDF needs {lacks}, which this model does not have. Take the CSV."
        }
        assert get(address, "/explorer/facts").json()["bdf_lacks"] == lacks
        assert get(address, f"/explorer/download.csv?{VIEW}").status == 200
