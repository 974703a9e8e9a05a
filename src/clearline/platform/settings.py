"""Django's settings, made from `config.Settings`; nothing else here is meant to be changed by who runs it."""

from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from csp.constants import NONE, SELF

from clearline.platform.config import Settings
from clearline.platform.logs import logging_config

CLEARLINE = Settings()  # every field has a default or comes from the environment

HERE = Path(__file__).resolve().parent

DEBUG = False
SECRET_KEY = CLEARLINE.read_secret_key()
_origin = urlsplit(CLEARLINE.origin)
ALLOWED_HOSTS = sorted({_origin.hostname or "", "localhost", "127.0.0.1", "[::1]"})
CSRF_TRUSTED_ORIGINS = [CLEARLINE.origin]
ROOT_URLCONF = "clearline.platform.urls"
WSGI_APPLICATION = "clearline.platform.wsgi.application"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "clearline.platform.web",
    "clearline.platform.accounts",
    "clearline.platform.audit",
    "clearline.platform.customers",
    "clearline.platform.agreements",
    "clearline.platform.availability",
    "clearline.platform.vantages",
    "clearline.platform.maintenance",
    "clearline.platform.outages",
    "clearline.platform.alerts",
    "clearline.platform.calls",
    "clearline.platform.desk",
    "clearline.platform.statements",
    "clearline.platform.jobs",
    "clearline.platform.outbox",
    "clearline.platform.status",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "django_htmx",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "clearline.platform.status.files.StatusFiles",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",  # a view is private unless it says otherwise
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "clearline.platform.web.context.menu",
            ],
            "builtins": ["clearline.platform.web.templatetags.show"],
        },
    },
]
FORM_RENDERER = "clearline.platform.web.forms.Renderer"


def _database() -> dict[str, object]:
    """PostgreSQL where its address is set, else one SQLite file.

    SQLite runs with WAL, so that readers never wait, and IMMEDIATE transactions, so that two writers queue instead of
    failing. `synchronous=FULL`: what a page acknowledged (a request's arrival, a notice) decides money and must survive
    a power cut.
    """
    if CLEARLINE.database is None:
        pragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": CLEARLINE.sqlite,
            "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": pragmas},
        }
    parts = urlsplit(CLEARLINE.database.get_secret_value())
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "HOST": parts.hostname or "",
        "PORT": parts.port or "",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),
    }


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    # Shared by every process, since it holds the counts of failed sign-ins.
    "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache"},
}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", **options}
    for name, options in (
        ("UserAttributeSimilarityValidator", {}),
        ("MinimumLengthValidator", {"OPTIONS": {"min_length": 10}}),
        ("CommonPasswordValidator", {}),
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "dashboard"
ACCOUNT_ADAPTER = "clearline.platform.accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
MFA_ADAPTER = "clearline.platform.accounts.adapters.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Clearline"
MFA_TOTP_TOLERANCE = 1  # the code before and after too: telephones' clocks are off (RFC 6238, 5.2)

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _origin.scheme == "https"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [
            SELF,
            "data:",
        ],  # the arrows inside Tabler's style sheet; the QR code of the second factor
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"  # inside, always; a page shows the reader's zone

STATIC_URL = "static/"
STATIC_ROOT = CLEARLINE.static
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

FILE_UPLOAD_HANDLERS = ["clearline.platform.calls.uploading.LimitedUploadHandler"]  # never a capture in memory
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024  # a form without its files; an agreement is a few KiB

LOGGING_CONFIG = None
logging_config(CLEARLINE.log_level)
