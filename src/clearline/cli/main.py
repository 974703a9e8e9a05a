"""The one command. Each group of commands is a file of this package; none is imported before it is asked for."""

import errno
import importlib
import io
import os
import sys
from typing import Annotated

import typer
import typer.core
import typer.main

from clearline import __version__
from clearline.cli.exits import fail

COMMANDS: dict[str, tuple[str, str]] = {
    "up": ("up", "Run the platform: sets up what is missing, prints its address and a one-time sign-in link."),
    "status": ("processes:status_app", "Say which processes of the running platform are up."),
    "stop": ("processes:stop_app", "Stop one process of the running platform, or all of it."),
    "start": ("processes:start_app", "Start one stopped process of the running platform."),
    "evaluate": ("evaluate", "Judge months of evidence by an agreement and print their statements."),
    "backtest": ("backtest", "What these terms would have cost on past months, beside other terms."),
    "agreement": ("agreement", "Lint an agreement, or say what changes between two versions."),
    "analyze": ("analyze", "Calls and RTP streams of capture files, with their quality."),
    "mos": ("mos", "The quality models as a calculator."),
    "probe": ("probe", "Measure a SIP endpoint from this host."),
    "agent": ("agent", "Measure from this machine for a platform elsewhere."),
    "reflector": ("reflector", "Run a small SIP endpoint that answers and echoes."),
    "records": ("records", "Look at, export and check the kept measurements."),
    "notices": ("notices", "Hand in mails about notices: what did not arrive, what carriers announce."),
    "bench": ("bench", "The benchmarks: measured figures and ratios to the peers present."),
}
"""Command → (module of clearline.cli, one line of help). Its typer app is `app`, or the one named after a colon."""


class LazyGroup(typer.core.TyperGroup):
    """A group that imports a command's module only when the command is run, so that `--help` is quick."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # noqa: ARG002  # typer's own click
        """Name the commands in the order they are documented."""
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> typer.core.TyperCommand | None:  # type: ignore[override]
        """Import and return one command; `--help` of the whole gets its name and line without importing it."""
        if cmd_name not in COMMANDS:
            return None
        place, line = COMMANDS[cmd_name]
        module, _, name = place.partition(":")
        if ctx.command is self and cmd_name not in sys.argv:
            return typer.core.TyperCommand(name=cmd_name, help=line)
        command = typer.main.get_command(getattr(importlib.import_module(f"clearline.cli.{module}"), name or "app"))
        command.name = cmd_name
        return command  # type: ignore[return-value]


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="From the packet to the credit note: measures a telephone service, judges its agreement, settles the money.",
    epilog="`./clearline test` sets up what is missing and runs the tests. docs/commands.md tells of each command.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"clearline {__version__}\n")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True)] = False,
) -> None:
    """Options of the program itself."""


NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def main() -> None:
    """Run the command line.

    A closed pipe ends the program quietly, a full disk with a plain error; a stream that the caller closed is an empty
    one, and no terminal's encoding ends it at all.
    """
    _open_streams()
    try:
        try:
            app(prog_name="clearline")
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        _drop_output()
        fail(f"{error.filename or 'the output'} cannot be written: {error.strerror}; make room and run it again")


def _open_streams() -> None:
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _drop_output() -> None:
    """Let what could not be written go nowhere, or Python tries it again when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
