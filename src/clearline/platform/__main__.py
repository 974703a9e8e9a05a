"""`python -m clearline.platform COMMAND`: Django's management commands with our settings."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "clearline.platform.settings"
    execute_from_command_line([f"{sys.executable} -m clearline.platform", *sys.argv[1:]])
