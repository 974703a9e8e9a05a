"""P.862 of what came back of a call, by the reference program in an environment of its own (`tools/accuracy`)."""

import array
import asyncio
import shutil
from pathlib import Path

PYTHON = Path(__file__).resolve().parents[4] / ".venv-accuracy/bin/python"
"""The package pins an old numpy; so it is never imported here."""

PROGRAM = """
import sys, numpy, pesq
size = int(sys.argv[1])
both = numpy.frombuffer(sys.stdin.buffer.read(), dtype="<i2")
print(pesq.pesq(8000, both[:size], both[size:], "nb"))
"""

PATIENCE_S = 60
"""A score takes some tenths of a second; on a busy machine more."""

LEAST_SAMPLES = 8000
"""P.862 judges nothing shorter than a second."""


def is_installed() -> bool:
    """Whether the reference program is there."""
    return shutil.which(str(PYTHON)) is not None


async def pesq_x100(said: list[int], heard: list[int]) -> int | None:
    """Score what was heard against what was said (P.862.1, narrowband).

    Args:
        said: 16-bit samples at 8 kHz.
        heard: as received, the missing ones silent.

    Returns:
        The score in hundredths; None where the program has none: too short, or without any speech in it.
    """
    if min(len(said), len(heard)) < LEAST_SAMPLES:
        return None
    process = await asyncio.create_subprocess_exec(
        str(PYTHON),
        "-c",
        PROGRAM,
        str(len(said)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            answer, _ = await process.communicate(array.array("h", said + heard).tobytes())
        return round(float(answer) * 100)
    except (TimeoutError, ValueError):
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
