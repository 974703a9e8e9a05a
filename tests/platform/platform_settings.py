"""The platform's own settings, with data in a fresh directory and without what only makes tests slow."""

import atexit
import os
import tempfile

DATA = tempfile.TemporaryDirectory(prefix="clearline-tests-")
atexit.register(DATA.cleanup)
os.environ["CLEARLINE_DATA"] = DATA.name

from clearline.platform.settings import *  # noqa: E402, F403  # the environment comes first

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
MIDDLEWARE = [name for name in MIDDLEWARE if "whitenoise" not in name]  # noqa: F405  # from the star above
