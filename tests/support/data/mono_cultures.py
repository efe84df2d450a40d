"""Reads how mono writes and reads numbers in each of its cultures (tests/fixtures/mono)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).parents[2] / "fixtures" / "mono" / "cultures.tsv"
WRITTEN = {
    -12.5: "N4(-12.5)",
    1234.568: "N4(1234.5678)",  # a float has seven digits
    1234567.0: "N4(1234567)",
    0.0: "N4(0)",
}


@dataclass(frozen=True)
class Culture:
    """What mono writes and reads in one culture."""

    decimal: str
    """Decimal mark."""
    group: str
    """Group mark."""
    written: dict[float, str]
    """Texts by their numbers, in format N4."""
    read: dict[str, float | None]
    """Numbers by their texts; None for a text that is refused."""
    answers: tuple[str, str]
    """Two texts that are read as -0.1234: with the decimal mark, and with an exponent."""


def _text(cell: str) -> str:
    return cell.encode("ascii").decode("unicode_escape")


def _culture(row: dict[str, str], columns: list[str]) -> Culture:
    decimal, group = _text(row["decimal"]), _text(row["group"])

    def filled(column: str) -> str:
        return _text(column).replace("D", decimal).replace("G", group)

    read = {
        filled(column): None if row[column] == "refused" else float(row[column])
        for column in columns
    }
    written = {value: _text(row[column]) for value, column in WRITTEN.items()}
    return Culture(decimal, group, written, read, (filled("-0D123400"), "-123400e-6"))


def _table() -> dict[str, Culture]:
    with TABLE.open(encoding="ascii", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        assert rows.fieldnames is not None
        columns = list(rows.fieldnames)[list(rows.fieldnames).index("-0D123400") :]
        return {name: _culture(row, columns) for row in rows for name in row["cultures"].split()}


CULTURES = _table()
"""Cultures by their names."""
