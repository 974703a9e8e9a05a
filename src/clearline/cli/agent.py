"""`agent`: measures from another machine, for a platform elsewhere."""

import asyncio
import fcntl
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from clearline.cli.exits import BAD_INPUT, NOT_SO, fail

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Measure from this machine for a platform elsewhere."
)

Data = Annotated[
    Path | None, typer.Option(help="Where the agent keeps its key and its samples, else agent in CLEARLINE_DATA.")
]


def _home(data: Path | None) -> Path:
    from clearline.cli.up import data_directory  # noqa: PLC0415  # reads the platform's settings

    return data or data_directory() / "agent"


@app.command()
def enrol(
    url: Annotated[str, typer.Argument(help="The platform's address: https://HOST.")],
    token: Annotated[str, typer.Argument(help="The one-time token of its page Vantage points.")],
    data: Data = None,
    ca_file: Annotated[Path | None, typer.Option(help="Certificates to trust instead of the system's.")] = None,
) -> None:
    """Make this machine a vantage point of a platform, once."""
    from clearline.sensors.agent import agent, home, post  # noqa: PLC0415

    trusted = str(ca_file.resolve()) if ca_file else None
    try:
        send = post.sender(url, trusted)
        name = agent.enrol(home.Home(_home(data)), url, token, send, trusted)
    except (ValueError, OSError) as error:
        fail(str(error), BAD_INPUT)
    except post.CutOffError as error:
        fail(f"{url} cannot be spoken to: {error}; check the address and the way there, then try again", NOT_SO)
    except post.RefusedError as error:
        fail(f"{url} refuses: {error}; make a new token on its page Vantage points", NOT_SO)
    sys.stdout.write(f"Enrolled as {name!r}. ./clearline agent run measures from here.\n")


@app.command()
def run(data: Data = None) -> None:
    """Measure what the platform asks for, until Ctrl-C or SIGTERM; while it cannot be reached samples wait on disk."""
    from clearline.sensors.agent.agent import Agent, RevokedError  # noqa: PLC0415
    from clearline.sensors.agent.home import Home  # noqa: PLC0415
    from clearline.sensors.agent.post import sender  # noqa: PLC0415

    home = Home(_home(data))
    identity = home.identity()
    if identity is None or identity.vantage is None:
        fail("this machine is not enrolled; make a token on the platform's page Vantage points", BAD_INPUT)
    lock = (home.path / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        fail(f"an agent runs already on {home.path}", NOT_SO)
    agent = Agent(home, identity, sender(identity.url, identity.ca_file))

    async def measure() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await agent.run(stop, vantage=identity.vantage or "")

    sys.stderr.write(f"agent: measuring for {identity.url} as {identity.vantage}\n")
    try:
        asyncio.run(measure())
    except RevokedError as error:
        fail(f"{identity.url} says: {error}; what was measured until then is with it", NOT_SO)
