"""The engines beside DuckDB, where the machine has them."""

import importlib.util
import os
from collections.abc import Iterator

import pytest

from clearline.records.engines import cluster


@pytest.fixture(scope="session")
def chdb() -> str:
    """The address of ClickHouse as a library."""
    if importlib.util.find_spec("chdb") is None:
        pytest.skip("chdb is not installed: requirements/cluster.txt")
    return "chdb"


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Spark cluster: a master and two workers, each a process of its own."""
    if lacking := cluster.missing():
        pytest.skip(lacking)
    from pyspark.sql import SparkSession  # noqa: PLC0415

    with cluster.local_cluster(tmp_path_factory.mktemp("spark"), workers=2, quick=True) as running:
        os.environ["SPARK_CONF_DIR"] = str(running.configuration)
        yield running.master
        if session := SparkSession.getActiveSession():
            session.stop()
        del os.environ["SPARK_CONF_DIR"]
