"""Makes text of unknown origin safe to print on a terminal or into a log."""

from __future__ import annotations

import unicodedata

__all__ = ["printable"]


def printable(text: str, keep: str = "") -> str:
    r"""Return a text in which every character that does not print is written as an escape.

    Names of files, headers of logs and messages of strangers may hold characters that move the
    cursor, clear the screen, change the direction of the text or end a line of a log. The escape
    character, for example, becomes the four characters `\x1b`. Bytes of a file's name that are no
    text, which Python keeps as lone surrogates, become escapes too: they cannot be encoded.

    Args:
        text: the text.
        keep: characters that stay as they are, such as the line break.
    """
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character in keep or unicodedata.category(character) == "Zs"
        else character.encode("unicode_escape").decode()
        for character in text
    )
