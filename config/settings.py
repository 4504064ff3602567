"""Settings of the site, from the environment. The defaults are safe for production.

A variable has the name of its setting, after ``DJANGO_`` where it is one of Django's or, like
HTTPS, has a name that other programs use; docs/configuration.md explains each. ``ENV_FILE`` names
a file to read them from (default ``.env``); the process environment wins over it.
"""

import os
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

from config import headers, logs

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
ENV_FILE = BASE_DIR / os.environ.get("ENV_FILE", ".env")
if ENV_FILE.is_file():
    env.read_env(ENV_FILE)


def secret(name: str, default: str | None = None) -> str:
    """Read a value as it is: to django-environ ``$`` at its start means another variable."""
    value = os.environ.get(name, default)
    if value is None:
        raise ImproperlyConfigured(f"Set the {name} environment variable")
    return value


def secrets(name: str) -> list[str]:
    """Read values with commas between them, each as it is."""
    return [value for value in secret(name, default="").split(",") if value]


# Django

SECRET_KEY = secret("DJANGO_SECRET_KEY")
# Older keys: they still verify and decrypt, and sign nothing new.
SECRET_KEY_FALLBACKS = secrets("DJANGO_SECRET_KEY_FALLBACKS")
DEBUG = env.bool("DJANGO_DEBUG", default=False)
ALLOWED_HOSTS = env.list("DJANGO_ALLOWED_HOSTS", default=[])
# Off only for plain http, as on a developer's machine.
HTTPS = env.bool("DJANGO_HTTPS", default=True)
# How many of our proxies append to X-Forwarded-For.
TRUSTED_PROXIES = env.int("DJANGO_TRUSTED_PROXIES", default=0)
# localcloud/settings.py, which make run uses, turns it on: no variable can show the inbox.
LOCAL_CLOUD = False

INSTALLED_APPS = [
    # Before ours, which takes back what it has set up (accounts/apps.py).
    "django.contrib.auth",
    "accounts.apps.AccountsConfig",
    "accounts.apps.PhoneAdminConfig",
    "cognito_admin.apps.CognitoAdminConfig",
    "config.apps.SiteConfig",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "auditlog",
    "csp",
]

MIDDLEWARE = [
    "config.health.HealthHostMiddleware",
    "config.request_logs.middleware",
    "django.middleware.security.SecurityMiddleware",
    "accounts.middleware.work_after_response",
    "accounts.middleware.limit_calls",
    "config.headers.content_security_policy",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "config.request_bodies.middleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.middleware.AuthenticationMiddleware",
    "accounts.middleware.revalidate",
    "accounts.middleware.name_the_actor",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context_processors.site",
            ],
        },
    },
]

DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Writers wait for each other from the start of a transaction instead of failing in it.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        "timeout": 20,
    }
elif DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    DATABASES["default"] |= {
        "ENGINE": "config.postgresql",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 2)
# How long a page waits for one query; config/postgresql keeps it.
DATABASE_STATEMENT_SECONDS = env.int("DATABASE_STATEMENT_SECONDS", default=5)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en"
LANGUAGES = [
    ("en", "English"),
    ("es", "Spanish"),
    ("fr", "French"),
    ("de", "German"),
    ("pt-br", "Brazilian Portuguese"),
    ("hi", "Hindi"),
    ("ar", "Arabic"),
    ("ja", "Japanese"),
]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = env.str("DJANGO_TIME_ZONE", default="UTC")
USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = env.path("DJANGO_STATIC_ROOT", default=str(BASE_DIR / "staticfiles"))
# Under gunicorn the site serves its own files, compressed, under names that browsers may cache.
if not DEBUG:
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
    MIDDLEWARE.insert(
        MIDDLEWARE.index("django.middleware.security.SecurityMiddleware") + 1,
        "whitenoise.middleware.WhiteNoiseMiddleware",
    )

# redis:// or rediss:// (Redis, Valkey) is shared; without it each process has its own cache.
CACHE_URL = env.str("CACHE_URL", default="locmemcache://")
CACHES = {"default": env.cache_url_config(CACHE_URL)}
if CACHES["default"]["BACKEND"] == "django.core.cache.backends.redis.RedisCache":
    CACHES["default"]["BACKEND"] = "config.cache.RedisCache"

# Holds for a whole body with its files: config/request_bodies.py.
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 100

# Sessions and transport

SESSION_COOKIE_NAME = "__Host-sessionid" if HTTPS else "sessionid"
SESSION_ENGINE = "accounts.sessions.store"
# Before sign-in; ACCOUNTS_SESSION_SECONDS and its neighbours hold after it.
SESSION_COOKIE_AGE = 60 * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_NAME = "__Host-csrftoken" if HTTPS else "csrftoken"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = HTTPS
CSRF_FAILURE_VIEW = "accounts.views.csrf_failure.csrf_failure"
LANGUAGE_COOKIE_NAME = "__Host-language" if HTTPS else "language"
LANGUAGE_COOKIE_AGE = 365 * 24 * 60 * 60
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = HTTPS

MESSAGE_STORAGE = "config.messages.Storage"

SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz)$"]
# Small by default, since browsers remember it: docs/deploy.md says how to raise it.
SECURE_HSTS_SECONDS = env.int("DJANGO_SECURE_HSTS_SECONDS", default=3600) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("DJANGO_SECURE_HSTS_INCLUDE_SUBDOMAINS", default=False)
SECURE_HSTS_PRELOAD = env.bool("DJANGO_SECURE_HSTS_PRELOAD", default=False)
SECURE_REFERRER_POLICY = "same-origin"
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = headers.CONTENT_SECURITY_POLICY
PERMISSIONS_POLICY = headers.PERMISSIONS_POLICY

# Sign-in

AUTH_USER_MODEL = "accounts.User"
SILENCED_SYSTEM_CHECKS = [
    # The name is unique together with the pool.
    "auth.W004",
    # HSTS for subdomains and preloading: site.W004 says when they make sense.
    "security.W005",
    "security.W021",
    *env.list("DJANGO_SILENCED_SYSTEM_CHECKS", default=[]),
]
AUTHENTICATION_BACKENDS = ["accounts.backends.CognitoBackend"]
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "accounts:login"

AWS_REGION = env.str("AWS_REGION", default="")
AWS_ENDPOINT_URL = env.str("AWS_ENDPOINT_URL", default="")

SITE_NAME = env.str("SITE_NAME", default="Phone login")
SITE_CONTACT = env.str("SITE_CONTACT", default="")
SITE_PHONE = env.str("SITE_PHONE", default="")
SITE_PRIVACY_URL = env.str("SITE_PRIVACY_URL", default="")
SITE_TERMS_URL = env.str("SITE_TERMS_URL", default="")
SITE_LOGO = env.str("SITE_LOGO", default="brand/logo.svg")
SITE_COLOR = env.str("SITE_COLOR", default="")
SITE_COLOR_DARK = env.str("SITE_COLOR_DARK", default="")
COGNITO_USER_POOL_ID = env.str("COGNITO_USER_POOL_ID", default="")
COGNITO_CLIENT_ID = env.str("COGNITO_CLIENT_ID", default="")
COGNITO_CLIENT_SECRET = secret("COGNITO_CLIENT_SECRET", default="")
COGNITO_KNOWN_CLIENT_ID = env.str("COGNITO_KNOWN_CLIENT_ID", default="")
COGNITO_KNOWN_CLIENT_SECRET = secret("COGNITO_KNOWN_CLIENT_SECRET", default="")
SITE_KEY = secret("SITE_KEY", default="")
COGNITO_SITE_CLIENT_ID = env.str("COGNITO_SITE_CLIENT_ID", default="")
COGNITO_SITE_CLIENT_SECRET = secret("COGNITO_SITE_CLIENT_SECRET", default="")
COGNITO_USERNAME = env.str("COGNITO_USERNAME", default="phone")
COGNITO_API = env.str("COGNITO_API", default="public")
# Threads of gunicorn in each process: config/gunicorn.conf.py reads the same variable.
WEB_THREADS = env.int("WEB_THREADS", default=32)
COGNITO_THREADS = env.int("COGNITO_THREADS", default=WEB_THREADS)
LEDGER_FUNCTION = env.str("LEDGER_FUNCTION", default="")
TEXTS_FUNCTION = env.str("TEXTS_FUNCTION", default="")
COGNITO_ISSUER = env.str("COGNITO_ISSUER", default="")
COGNITO_JWKS_URL = env.str("COGNITO_JWKS_URL", default="")
ACCOUNTS_SIGN_UP = env.str("ACCOUNTS_SIGN_UP", default="closed")
ACCOUNTS_SIGN_IN_PLAN = env.str("ACCOUNTS_SIGN_IN_PLAN", default="code")
PROVIDER_PAGE = env.str("PROVIDER_PAGE", default="https://mfa.authsignal.com")
PROVIDER_SCRIPT = env.str("PROVIDER_SCRIPT", default="")
PROVIDER_SCRIPT_INTEGRITY = env.str("PROVIDER_SCRIPT_INTEGRITY", default="")
PROVIDER_TENANT = env.str("PROVIDER_TENANT", default="")
ACCOUNTS_PASSKEYS = env.bool("ACCOUNTS_PASSKEYS", default=True)
ACCOUNTS_EMAIL = env.bool("ACCOUNTS_EMAIL", default=False)
ACCOUNTS_EMAIL_LOGIN = env.bool("ACCOUNTS_EMAIL_LOGIN", default=False)
ACCOUNTS_SECOND_NUMBER = env.bool("ACCOUNTS_SECOND_NUMBER", default=False)
ACCOUNTS_COUNTRIES = env.list("ACCOUNTS_COUNTRIES", default=[])
ACCOUNTS_DEFAULT_REGION = env.str("ACCOUNTS_DEFAULT_REGION", default="")
ACCOUNTS_GROUPS = {
    theirs.strip(): ours.strip()
    for theirs, _, ours in (
        entry.partition("=") for entry in env.list("ACCOUNTS_GROUPS", default=[])
    )
}
ACCOUNTS_STAFF_GROUP = env.str("ACCOUNTS_STAFF_GROUP", default="")
ACCOUNTS_REVALIDATE_SECONDS = env.int("ACCOUNTS_REVALIDATE_SECONDS", default=900)
ACCOUNTS_EVENTS_KEPT_DAYS = env.int("ACCOUNTS_EVENTS_KEPT_DAYS", default=180)
ACCOUNTS_UNPROVEN_KEPT_DAYS = env.int("ACCOUNTS_UNPROVEN_KEPT_DAYS", default=30)
ACCOUNTS_DORMANT_DAYS = env.int("ACCOUNTS_DORMANT_DAYS", default=90)
ACCOUNTS_RECOVERY_HOURS = env.int("ACCOUNTS_RECOVERY_HOURS", default=24)
ACCOUNTS_RECOVERY_TWO_OPERATORS = env.list("ACCOUNTS_RECOVERY_TWO_OPERATORS", default=[])
ACCOUNTS_REASONS = env.str("ACCOUNTS_REASONS", default="optional")
ACCOUNTS_CARRIER_LOOKUP = env.bool("ACCOUNTS_CARRIER_LOOKUP", default=False)
ACCOUNTS_SHARING_POLICY = env.str("ACCOUNTS_SHARING_POLICY", default="notify")
ACCOUNTS_SHARING_POLICY_BY_GROUP = env.list("ACCOUNTS_SHARING_POLICY_BY_GROUP", default=[])
ACCOUNTS_SESSION_IDLE_SECONDS = env.int("ACCOUNTS_SESSION_IDLE_SECONDS", default=14 * 24 * 60 * 60)
ACCOUNTS_SESSION_SECONDS = env.int("ACCOUNTS_SESSION_SECONDS", default=30 * 24 * 60 * 60)
ACCOUNTS_STAFF_IDLE_SECONDS = env.int("ACCOUNTS_STAFF_IDLE_SECONDS", default=15 * 60)
ACCOUNTS_STAFF_SECONDS = env.int("ACCOUNTS_STAFF_SECONDS", default=12 * 60 * 60)
ACCOUNTS_STAFF_SECOND_FACTOR = env.bool("ACCOUNTS_STAFF_SECOND_FACTOR", default=True)
ACCOUNTS_CONFIRM_SECONDS = env.int("ACCOUNTS_CONFIRM_SECONDS", default=5 * 60)
ACCOUNTS_THROTTLE_URL = env.str(
    "ACCOUNTS_THROTTLE_URL", default=CACHE_URL if CACHE_URL.startswith("redis") else "memory://"
)
ACCOUNTS_PHONE_POSTS = env.str("ACCOUNTS_PHONE_POSTS", default="60/5 minutes")
ACCOUNTS_SENDS = env.str("ACCOUNTS_SENDS", default="10/10 minutes;30/hour;100/day")
ACCOUNTS_UNUSED_SENDS = env.str("ACCOUNTS_UNUSED_SENDS", default="6/hour")
ACCOUNTS_WRONG_CODES = env.str("ACCOUNTS_WRONG_CODES", default="10/5 minutes;50/hour")
# As many new accounts as the triggers text by default.
ACCOUNTS_SIGN_UPS = env.str("ACCOUNTS_SIGN_UPS", default="300/hour;2000/day")
ACCOUNTS_SIGN_UPS_PER_COUNTRY = env.str("ACCOUNTS_SIGN_UPS_PER_COUNTRY", default="200/hour")
ACCOUNTS_SIGN_UPS_PER_BLOCK = env.str("ACCOUNTS_SIGN_UPS_PER_BLOCK", default="20/hour")

# Logs: one line each to the console

LOGGING = logs.django_logging(debug=DEBUG)
