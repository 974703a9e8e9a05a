"""Spark: a cluster reads the same files. For more than one machine can read; a question takes seconds."""

import logging
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import pyarrow as pa

from clearline.records.engines.dialect import DialectEngine
from clearline.records.errors import EngineMissingError, RecordsError, StoreDamagedError

TYPES = {pa.int64(): "BIGINT", pa.string(): "STRING", pa.bool_(): "BOOLEAN"}
SETTINGS = {
    "spark.app.name": "clearline",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",  # a sum that does not fit fails; it is not cut
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "OFF",  # what goes wrong is told by the exception
}
"""What answers depend on. Memory, cores and the rest are for `spark-defaults.conf` in `SPARK_CONF_DIR`."""
GONE = ("PATH_NOT_FOUND", "FILE_NOT_EXIST", "FileNotFoundException")
UNREADABLE = ("FAILED_READ_FILE", "CANNOT_READ_FILE", "is not a Parquet file", "ParquetDecodingException")


def missing() -> str | None:
    """What this machine lacks for Spark, as a sentence; None if nothing."""
    if shutil.which("java") is None:
        return "Java is not installed: apt-get install openjdk-17-jre-headless"
    try:
        import pyspark  # noqa: F401, PLC0415
    except ImportError:
        return "pyspark is not installed: requirements/cluster.txt"
    return None


class SparkEngine(DialectEngine):
    """A session on a cluster. All engines of a process share it, hence the names with a prefix.

    Args:
        master: `spark://host:port`, or what else Spark takes for a master.
    """

    dialect: ClassVar[str] = "pyspark"

    def __init__(self, master: str) -> None:
        super().__init__()
        self._master = master
        self._session: Any = None
        self._views: set[str] = set()

    def _open(self) -> Any:
        if self._session is None:
            if lacking := missing():
                raise EngineMissingError(lacking)
            from pyspark.sql import SparkSession  # noqa: PLC0415

            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
            logging.getLogger("py4j").setLevel(logging.ERROR)  # tells of every connection
            builder = SparkSession.builder.master(self._master)
            for name, value in SETTINGS.items():
                builder = builder.config(name, value)
            try:
                self._session = builder.getOrCreate()
            except Exception as error:  # whatever a JVM says that could not start or found nobody
                raise RecordsError(
                    f"Spark at {self._master} cannot be reached: start it, or correct CLEARLINE_RECORDS_ENGINE"
                ) from error
        return self._session

    def _name(self, name: str, schema: pa.Schema, paths: list[str], hot: pa.Table | None) -> None:
        session = self._open()
        columns = ", ".join(f"`{field.name}` {TYPES[field.type]}" for field in schema)
        with self._plain_errors():
            parts = [session.read.schema(columns).parquet(*map(_address, paths))] if paths else []
            parts += [session.createDataFrame(hot.select(schema.names))] if hot is not None else []
            rows = parts[0] if parts else session.createDataFrame([], columns)
            for part in parts[1:]:
                rows = rows.unionByName(part)
            rows.createOrReplaceTempView(name)
        self._views.add(name)

    def _run(self, sql: str) -> pa.Table:
        session = self._open()
        with self._plain_errors():
            return session.sql(sql).toArrow()

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        from py4j.protocol import Py4JError  # noqa: PLC0415
        from pyspark.errors import PySparkException  # noqa: PLC0415

        try:
            yield
        except (PySparkException, Py4JError, OSError, RuntimeError) as error:
            text = str(error)
            said = " ".join(text.split())[:300]
            if any(word in text for word in GONE):
                raise FileNotFoundError(said) from error
            if any(word in text for word in UNREADABLE):
                raise StoreDamagedError(f"a file cannot be read: {said}; run `clearline records check`") from error
            raise RecordsError(f"the query failed on Spark at {self._master}: {said}") from error

    def close(self) -> None:
        """See `DialectEngine`. The session stays, for the other engines of the process."""
        for name in self._views:
            self._session.catalog.dropTempView(name)
        self._views.clear()
        self._session = None


def _address(path: str) -> str:
    """A file's address, with what Hadoop would take for a pattern escaped."""
    return "file://" + re.sub(r"([\\{}\[\]*?])", r"\\\1", os.path.abspath(path))  # noqa: PTH100  # a text in, a text out
