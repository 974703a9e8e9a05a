"""Where an engine puts what does not fit into its memory: a directory of its own beside the files.

DuckDB names its temporary files by the process's number, which two machines or containers may share. So each engine has
a directory of its own, and holds the lock of a file beside it for as long as it lives; what nobody holds is left over.
"""

import fcntl
import os
import shutil
from contextlib import suppress
from pathlib import Path
from secrets import token_hex


class Spill:
    """A directory of one's own, gone when closed, or with the next `clear` if the process was killed.

    Args:
        root: where the directories of all engines are.

    Raises:
        OSError: nothing can be written there.
    """

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        while True:
            self._lock = root / f"{token_hex(8)}.lock"
            self._descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            if self._lock.exists():
                break
            os.close(self._descriptor)  # somebody cleared it before it was locked
        self.path = self._lock.with_suffix("")

    def close(self) -> None:
        """Remove the directory."""
        _remove(self._lock)
        os.close(self._descriptor)


def clear(root: Path) -> None:
    """Remove the directories of engines that are gone."""
    for path in root.iterdir() if root.is_dir() else ():
        if path.suffix == ".lock":
            _clear(path)


def _clear(lock: Path) -> None:
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:  # its engine has just closed it
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:  # its engine lives
        return
    else:
        _remove(lock)
    finally:
        os.close(descriptor)


def _remove(lock: Path) -> None:
    shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
    with suppress(OSError):  # of a disk that cannot be written any more
        lock.unlink(missing_ok=True)
