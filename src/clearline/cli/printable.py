"""Texts that others chose, as they may be written to a terminal."""


def printable(text: str, longest: int | None = None) -> str:
    """Write a text so that it does nothing to a terminal, and no longer than so many characters.

    Control characters, and those that turn the direction of writing, are shown as escapes.
    """
    if not text.isprintable():
        text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return text if longest is None or len(text) <= longest else text[: longest - 1] + "…"
