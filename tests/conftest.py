"""Which form of the packet code the tests run: its sources, or, with CLEARLINE_COMPILED=1, what tools/compile made."""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import hypothesis
import pytest
from tests import postgresql as postgresql_server


class SourcesOnly(importlib.abc.MetaPathFinder):
    """Finds the modules of `clearline.voice` as sources, past any compiled ones beside them."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, _target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not fullname.startswith("clearline.voice.") or not path:
            return None
        source = Path(path[0]) / f"{fullname.rpartition('.')[2]}.py"
        return importlib.util.spec_from_file_location(fullname, source) if source.is_file() else None


if not os.environ.get("CLEARLINE_COMPILED"):
    sys.meta_path.insert(0, SourcesOnly())

# A loaded machine makes a test slow, not wrong: speed is measured by the benchmarks alone.
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[postgresql_server.Server]:
    """A running PostgreSQL of the tests' own."""
    with postgresql_server.running() as server:
        yield server
