from html.parser import HTMLParser
from pathlib import Path

import pytest
from support.data import reported

from evaluator.report.document import Figure, Paragraph, Report, Section, Table, Tile, Tiles, Video
from evaluator.report.renderers import html

VOID = {"meta", "link", "img", "br"}


class Balanced(HTMLParser):
    """Fails if an element is closed that is not open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def report(*blocks: object) -> Report:
    return Report("T & C", "sub", (Section("one", "One <b>", tuple(blocks)),))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    reported.picture(tmp_path / "pictures" / "a.png")
    reported.film(tmp_path / "pictures" / "a.mp4")
    return tmp_path


FILM = Video("pictures/a.mp4", "pictures/a.mp4", "pictures/a.png", "A film.", "evaluations/a.mp4")


def test_every_kind_of_block_is_well_formed(folder: Path) -> None:
    page = html.render(
        report(
            Paragraph("`a < b` & c", "warning"),
            Tiles((Tile("l", "v", "n"),)),
            Table(("a", "b"), (("<i>", "1"),), "Caption.", "x.json"),
            Figure("pictures/a.png", 'Say "it" `so`.', "y.png"),
            FILM,
        ),
        folder,
    )
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    assert "<code>a &lt; b</code> &amp; c" in page
    assert "<td>&lt;i&gt;</td><td class=figure>1</td>" in page
    assert 'alt="Say &quot;it&quot; so."' in page
    assert "<cite>y.png</cite>" in page
    assert 'src="data:video/mp4;base64,' in page
    assert "One <b>" in "".join(parser.words)


def test_a_video_that_is_too_large_is_named_but_not_embedded(folder: Path) -> None:
    with (folder / "pictures" / "a.mp4").open("ab") as file:
        file.truncate(html.MAX_VIDEO_BYTES + 1)
    page = html.render(report(FILM), folder)
    assert "<video" not in page
    assert "too large for this page; it is in <code>pictures/a.mp4</code> beside it" in page


def test_videos_are_embedded_up_to_the_total_limit(folder: Path) -> None:
    with (folder / "pictures" / "a.mp4").open("ab") as file:
        file.truncate(html.MAX_VIDEO_BYTES - 1)
    films = []
    for number in range(4):
        name = f"pictures/{number}.mp4"
        (folder / name).hardlink_to(folder / "pictures" / "a.mp4")
        films.append(Video("x.mp4", name, "pictures/a.png", f"Film {number}.", "x.mp4"))
    assert html.render(report(*films), folder).count("<video") == 3
