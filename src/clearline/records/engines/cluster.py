"""A Spark cluster on this machine: a master and workers, from pyspark's own package, on loopback with little memory."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from clearline.records.engines.spark import missing
from clearline.records.errors import EngineMissingError, RecordsError

START_SECONDS = 120
QUICK_JVM = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto"
"""Starts in half the time; for more than small tests it would be slow."""
DEFAULTS = """\
spark.driver.host 127.0.0.1
spark.driver.bindAddress 127.0.0.1
spark.driver.memory 512m
spark.executor.memory 512m
spark.sql.shuffle.partitions 4
"""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster.

    Attributes:
        master: its address, `spark://127.0.0.1:port`.
        configuration: what `SPARK_CONF_DIR` must name in a process that asks it.
    """

    master: str
    configuration: Path


@contextmanager
def local_cluster(directory: Path, workers: int = 2, *, quick: bool = False) -> Iterator[Cluster]:
    """Run a master and workers for a while.

    Args:
        directory: where logs and scratch files go.
        workers: how many, each a process with one core.
        quick: spend less on starting than on running.

    Raises:
        EngineMissingError: Java or pyspark is not there.
        RecordsError: it did not come up.
    """
    if lacking := missing():
        raise EngineMissingError(lacking)
    configuration = directory / "conf"
    configuration.mkdir(parents=True)
    java = f"spark.driver.extraJavaOptions {QUICK_JVM}\nspark.executor.extraJavaOptions {QUICK_JVM}\n" if quick else ""
    (configuration / "spark-defaults.conf").write_text(DEFAULTS + java)
    port = _free_port()
    master = f"spark://127.0.0.1:{port}"
    place = ["--host", "127.0.0.1", "--webui-port", "0"]
    with ExitStack() as stack:
        log = directory / "master.log"
        stack.enter_context(_daemon(configuration, log, "master.Master", [*place, "--port", str(port)], quick=quick))
        _wait_for(log, "Starting Spark master", 1)
        for number in range(workers):
            options = [*place, "--cores", "1", "--memory", "640m", "--work-dir", str(directory / f"work-{number}")]
            each = directory / f"worker-{number}.log"
            stack.enter_context(_daemon(configuration, each, "worker.Worker", [*options, master], quick=quick))
        _wait_for(log, "Registering worker", workers)
        yield Cluster(master, configuration)


@contextmanager
def _daemon(configuration: Path, log: Path, name: str, options: list[str], *, quick: bool) -> Iterator[None]:
    import pyspark  # noqa: PLC0415

    with_us = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []  # it ends when we are killed
    spark_class = str(Path(pyspark.__file__).parent / "bin" / "spark-class")
    command = [*with_us, spark_class, f"org.apache.spark.deploy.{name}", *options]
    own = {"SPARK_CONF_DIR": str(configuration), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_DAEMON_MEMORY": "256m"}
    if quick:
        own["SPARK_DAEMON_JAVA_OPTS"] = QUICK_JVM
    with log.open("wb") as out:
        process = subprocess.Popen(command, env={**os.environ, **own}, stdout=out, stderr=subprocess.STDOUT)
    try:
        yield
    finally:
        process.terminate()  # the script has become the JVM, so this reaches it; its executors end with it
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(log: Path, text: str, times: int) -> None:
    end = time.monotonic() + START_SECONDS
    while log.read_text(errors="replace").count(text) < times:
        if time.monotonic() > end:
            raise RecordsError(f"the Spark cluster did not come up in {START_SECONDS} s: see {log}")
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
