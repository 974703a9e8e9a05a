"""`bench`: runs the benchmarks of the checkout."""

import runpy
import sys
from pathlib import Path
from typing import Annotated

import typer

from clearline.cli.exits import BAD_INPUT, MISSING, fail

app = typer.Typer(add_completion=False)

FOLDER = Path(__file__).resolve().parents[3] / "bench"


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def bench(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Which one; without it all run, one after the other.")] = None,
) -> None:
    """Run the benchmarks: they print the measured figures and the ratios to the peers present on the machine."""
    if not FOLDER.is_dir():
        fail("the benchmarks live in the source checkout; run ./clearline bench there", MISSING)
    names = sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))
    if name in {"-h", "--help"}:
        sys.stdout.write(f"Usage: clearline bench [NAME [OPTIONS]]\n\nBenchmarks: {', '.join(names)}\n")
        return
    if name is not None and name not in names:
        fail(f"there is no benchmark {name!r}; there are {', '.join(names)}", BAD_INPUT)
    sys.path.insert(0, str(FOLDER))
    worst = 0
    for each in names if name is None else [name]:
        sys.stderr.write(f"── {each}\n")
        main = runpy.run_path(str(FOLDER / f"{each}.py"), run_name=f"bench_{each}")["main"]
        worst = max(worst, int(main(context.args)))
    sys.exit(worst)
