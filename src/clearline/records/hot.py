"""What the spool holds that is not sealed yet, as Arrow tables, read again only where it grew."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from clearline.records.columns import conform, stored_schema
from clearline.records.schema import Table
from clearline.records.spool import Frame, frames, segments


@dataclass(slots=True)
class _Segment:
    end: int = 0
    tables: dict[str, list[pa.Table]] = field(default_factory=dict)


class HotRows:
    """Keeps what was read of each segment; a segment is only ever appended to, so only new bytes are read."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._segments: dict[str, _Segment] = {}

    def refresh(self) -> None:
        """Read what was appended since. A segment that went away meanwhile is forgotten."""
        present = {path.stem: path for path in segments(self._directory)}
        for gone in self._segments.keys() - present.keys():
            del self._segments[gone]
        for stem, path in present.items():
            self._read(stem, path)

    def _read(self, stem: str, path: Path) -> None:
        known = self._segments.setdefault(stem, _Segment())
        try:
            with (path if path.exists() else path.with_suffix(".wal")).open("rb") as file:
                if os.fstat(file.fileno()).st_size <= known.end:
                    return
                file.seek(known.end)
                content = file.read()
        except FileNotFoundError:
            del self._segments[stem]
            return
        base = known.end
        for item in frames(content):
            if isinstance(item, Frame):
                known.tables.setdefault(item.table.name, []).append(conform(item.table, item.data))
                known.end = base + item.end
            elif not item.torn:
                known.end = base + item.end

    def rows(self, table: Table, without: frozenset[str] = frozenset()) -> pa.Table:
        """Rows of one table from every segment but the named ones."""
        parts = [
            part
            for stem, segment in sorted(self._segments.items())
            if stem not in without
            for part in segment.tables.get(table.name, [])
        ]
        return pa.concat_tables(parts) if parts else stored_schema(table).empty_table()
