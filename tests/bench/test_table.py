"""The page of all kept figures is that of the files beside it."""

import json
import re

import pytest
from bench import output, table

KEPT = sorted(output.FOLDER.glob("*.json"))


def test_the_page_is_fresh() -> None:
    assert table.PAGE.read_text() == table.page(), "run make bench-table"


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_kept_figures_name_their_machine_and_no_place_on_it(path) -> None:
    document = json.loads(path.read_text())
    assert document["name"] == path.stem
    assert {"date", "processor", "cores", "versions", "load_average"} < document[
        "environment"
    ].keys()
    columns = list(document["rows"][0])
    assert all(list(row) == columns for row in document["rows"])
    assert not re.search(r"[\" ]/(home|root|tmp|work|Users)/", path.read_text())


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        ("fog", "fog"),
        (1234, "1,234"),
        (1234.5, "1,234"),
        (0.01234, "0.0123"),
        (1.234, "1.23"),
        (12.34, "12.3"),
    ],
)
def test_a_figure_shows_the_digits_that_count(value: output.Cell, shown: str) -> None:
    assert output.text(value) == shown
