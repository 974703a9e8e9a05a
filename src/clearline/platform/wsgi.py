"""The web application for a WSGI server such as granian. Run `setup` first."""

import os

from django.core.wsgi import get_wsgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = "clearline.platform.settings"
application = get_wsgi_application()
