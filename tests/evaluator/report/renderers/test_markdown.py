from evaluator.report.document import (
    Block,
    Figure,
    Paragraph,
    Report,
    Section,
    Table,
    Tile,
    Tiles,
    Video,
)
from evaluator.report.renderers import markdown


def rendered(*blocks: Block) -> str:
    whole = markdown.render(Report("T", "s", (Section("one", "One", blocks),)))
    head, _, rest = whole.partition("## One\n\n")
    assert head == "# T\n\ns\n\n"
    return rest.rstrip("\n")


def test_special_characters_of_markdown_are_escaped_except_in_code() -> None:
    assert rendered(Paragraph("a_b * `c_d` <e>")) == r"a\_b \* `c_d` \<e\>"
    assert rendered(Paragraph("x", "missing")) == "> x"


def test_a_table_keeps_its_columns() -> None:
    table = Table(("a|b", "c"), (("d", "1"),), "Cap.", "x.json")
    assert rendered(table) == ("| a\\|b | c |\n|---|---:|\n| d | 1 |\n\nCap. [source: `x.json`]")
    assert rendered(Tiles((Tile("l", "v", "n"),))).endswith("| l | v | n |")


def test_images_and_videos_are_links_to_files_beside_the_document() -> None:
    assert rendered(Figure("pictures/a.png", "It [is].", "x.json")).startswith(
        r"![It \[is\].](pictures/a.png)"
    )
    assert rendered(Video("p/a.mp4", "p/q.mp4", "p/a.png", "F.", "x.mp4")).startswith(
        "[![F.](p/a.png)](p/a.mp4)"
    )
