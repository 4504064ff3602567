"""The settings of ``startproject``, with what the documentation of each peer adds to them."""

import os

import environ

SECRET_KEY = "peer-peer-peer-peer-peer-peer-peer-peer-peer-peer-peer"
ALLOWED_HOSTS = ["localhost"]
ROOT_URLCONF = "tests.bench.peer.urls"
AUTH_USER_MODEL = "peer.User"
USE_TZ = True
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_REDIRECT_URL = "/"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "tests.bench.peer",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
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
            ],
        },
    },
]
DATABASES = {"default": environ.Env.db_url_config(os.environ["DATABASE_URL"])}
# As the site has it.
DATABASES["default"]["OPTIONS"] = {
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"]},
}

PEER = os.environ["PEER"]
if PEER == "allauth":
    INSTALLED_APPS += ["allauth", "allauth.account"]
    MIDDLEWARE += ["allauth.account.middleware.AccountMiddleware"]
    AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
    LOGIN_URL = "account_request_login_code"
    ACCOUNT_ADAPTER = "tests.bench.peer.adapter.Adapter"
    ACCOUNT_LOGIN_METHODS = {"phone"}
    ACCOUNT_SIGNUP_FIELDS = ["phone*"]
    ACCOUNT_EMAIL_VERIFICATION = "none"
    ACCOUNT_LOGIN_BY_CODE_ENABLED = True
if PEER == "oidc":
    INSTALLED_APPS += ["mozilla_django_oidc"]
    AUTHENTICATION_BACKENDS = ["mozilla_django_oidc.auth.OIDCAuthenticationBackend"]
    PROVIDER = os.environ["PROVIDER"]
    OIDC_RP_CLIENT_ID, OIDC_RP_CLIENT_SECRET = "exampleclientid", "exampleclientsecret"
    OIDC_RP_SIGN_ALGO = "RS256"
    OIDC_OP_AUTHORIZATION_ENDPOINT = f"{PROVIDER}/authorize"
    OIDC_OP_TOKEN_ENDPOINT = f"{PROVIDER}/token"
    OIDC_OP_USER_ENDPOINT = f"{PROVIDER}/userinfo"
    OIDC_OP_JWKS_ENDPOINT = f"{PROVIDER}/jwks.json"
