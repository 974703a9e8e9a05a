"""What a file's rows were taken in as. Merging does not change it, so what was made of rows outlives their merging.

A file written from the spool, or with other measures than before, is of its own lineage: its digest. A merged file's is
the sum of its inputs', modulo 2²⁵⁶. Two lists of files with the same sum hold the same rows, however they were merged.
"""

from collections.abc import Iterable

from clearline.records.manifest import File

MARK = "lineage:"
"""What the entry of a merged file's `made_of` begins with."""
_MODULUS = 2**256


def of(file: File) -> str:
    """A file's lineage, 64 hexadecimal digits."""
    told = [name.removeprefix(MARK) for name in file.made_of if name.startswith(MARK)]
    return told[0] if told else file.digest


def total(lineages: Iterable[str]) -> str:
    """The lineage of files together."""
    return f"{sum(int(text, 16) for text in lineages) % _MODULUS:064x}"


def inherited(files: Iterable[File]) -> tuple[str, ...]:
    """The `made_of` of a file that holds all rows of some others."""
    return (MARK + total(map(of, files)),)
