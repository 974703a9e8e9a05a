"""The settings, for commands."""

from pydantic import ValidationError

from clearline.cli.exits import BAD_INPUT, fail
from clearline.platform.config import Settings


def configured() -> Settings:
    """The settings in force. Leave with status 2 when one is wrong."""
    try:
        return Settings()
    except ValidationError as wrong:
        said = [f"CLEARLINE_{str(error['loc'][0]).upper()}: {error['msg']}" for error in wrong.errors()]
        return fail("\n".join([*said, "docs/settings.md says what each setting may be"]), BAD_INPUT)
