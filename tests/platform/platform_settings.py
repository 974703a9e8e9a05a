"""The platform's own settings, with data in a fresh directory and without what only makes tests slow."""

import os
import tempfile

os.environ["CLEARLINE_DATA"] = tempfile.mkdtemp(prefix="clearline-tests-")

from clearline.platform.settings import *  # noqa: F403  # the environment comes first

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
MIDDLEWARE = [name for name in MIDDLEWARE if "whitenoise" not in name]  # noqa: F405  # from the star above
