from pathlib import Path

import pytest
from support.data import reported

from evaluator.report.document import Block, Figure, Paragraph, Report, Section, Table, Video
from evaluator.report.renderers import pdf


def pages(folder: Path, *blocks: Block) -> int:
    """Return the number of pages of a report with the given blocks."""
    path = folder / "x.pdf"
    pdf.render(Report("T", "s", (Section("one", "One", blocks),)), folder, path)
    written = path.read_bytes()
    assert written.startswith(b"%PDF-")
    assert written.rstrip().endswith(b"%%EOF")
    return written.count(b"/Type /Page\n")


def test_a_long_table_continues_on_the_next_page(tmp_path: Path) -> None:
    rows = tuple((f"row {number}", "×", "−1") for number in range(120))
    table = Table(("a", "b", "c"), rows, "Long.", "x.json", words=2)
    assert pages(tmp_path, Paragraph("first"), table) == 3


def test_the_wide_columns_of_a_table_that_is_too_wide_shrink() -> None:
    table = Table(("a", "b"), (("short", "long words " * 60),), "Wide.", "x.json", 2, (1,))
    narrow, wide = pdf._widths(table)
    assert narrow < 40
    assert narrow + wide == pytest.approx(pdf.TEXT_WIDTH)


def test_images_fit_the_page(tmp_path: Path) -> None:
    reported.picture(tmp_path / "a.png")
    assert (
        pages(tmp_path, Figure("a.png", "A.", "x"), Video("a.mp4", "q.mp4", "a.png", "F.", "y"))
        == 1
    )
    image = pdf._image(tmp_path / "a.png")
    assert image.drawWidth == pytest.approx(pdf.TEXT_WIDTH)
    assert image.drawHeight == pytest.approx(pdf.TEXT_WIDTH / 3)
