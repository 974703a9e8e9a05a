"""`reflector`: the small SIP endpoint that probes measure against."""

import asyncio
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from clearline.cli.exits import BAD_INPUT, NOT_SO, fail
from clearline.cli.probe import first_line

app = typer.Typer(add_completion=False)


def host_and_port(text: str) -> tuple[str, int]:
    """Read HOST:PORT or [IPV6]:PORT; leaves with status 2 when it is neither."""
    host, colon, port = text.rpartition(":")
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not colon or not host or not port.isdecimal() or int(port) > 65_535:
        fail(f"{text!r} is no HOST:PORT; write for example 127.0.0.1:5062 or [::1]:5062", BAD_INPUT)
    return host, int(port)


@app.command()
def reflector(
    listen: Annotated[
        str, typer.Option(help="HOST:PORT for SIP over UDP; port 0 takes a free one.")
    ] = "127.0.0.1:5062",
    ring: Annotated[float, typer.Option(min=0, max=60, help="Seconds a call rings before it is answered.")] = 0.0,
    requests_per_second: Annotated[int, typer.Option(min=1, help="SIP requests answered, from one address.")] = 20,
    calls: Annotated[int, typer.Option(min=0, help="Calls at a time.")] = 100,
    user: Annotated[str | None, typer.Option(help="The account that may call; without it anybody may.")] = None,
    password_file: Annotated[Path | None, typer.Option(help="File whose first line is its password.")] = None,
) -> None:
    """Run a small SIP endpoint: it answers OPTIONS, takes calls and echoes their audio, within limits per source."""
    from clearline.sensors.probe.target import Credentials  # noqa: PLC0415  # only when it runs
    from clearline.sensors.reflector import Limits, Settings, run_reflector  # noqa: PLC0415

    if (user is None) != (password_file is None):
        fail("--user and --password-file belong together", BAD_INPUT)
    host, port = host_and_port(listen)
    limits = Limits(requests_per_second=requests_per_second, request_burst=3 * requests_per_second, calls=calls)
    account = None if user is None else Credentials(user, first_line(password_file))
    settings = replace(Settings(), limits=limits, ring_us=round(ring * 1_000_000), credentials=account)

    def say(host: str, port: int) -> None:
        shown = f"[{host}]" if ":" in host else host
        sys.stdout.write(f"reflector: listening on {shown}:{port}/udp\n")
        sys.stdout.flush()

    async def run() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await run_reflector(host, port, settings=settings, stop=stop, on_ready=say)

    try:
        asyncio.run(run())
    except OSError as error:
        fail(f"cannot listen on {listen}: {error.strerror or error}; choose another --listen HOST:PORT", NOT_SO)
