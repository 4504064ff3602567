"""The project's settings with an environment of the tests' own, whatever the developer's says."""

import os

for _name in list(os.environ):
    if _name.startswith(
        (
            "AWS_",
            "ACCOUNTS_",
            "CACHE_",
            "COGNITO_",
            "DATABASE_",
            "LEDGER_",
            "SITE_",
            "TEXTS_",
            "WEB_",
        )
    ):
        del os.environ[_name]
os.environ.update(
    {
        "ENV_FILE": os.devnull,
        # All that is asked is on this machine.
        "NO_PROXY": "*",
        "no_proxy": "*",
        # boto3 must find nothing of the developer's.
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_ACCESS_KEY_ID": "tests",
        "AWS_SECRET_ACCESS_KEY": "tests",
        "AWS_REGION": "eu-west-1",
        "COGNITO_USER_POOL_ID": "eu-west-1_Example01",
        "COGNITO_CLIENT_ID": "exampleclientid",
        "COGNITO_CLIENT_SECRET": "exampleclientsecret",
        # Nothing listens there: a test that needs AWS brings its own.
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "DJANGO_SECRET_KEY": "tests-tests-tests-tests-tests-tests-tests-tests-tests",
        "DJANGO_ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
        "DJANGO_HTTPS": "false",
        "DATABASE_URL": "sqlite://:memory:",
        "ACCOUNTS_SIGN_UP": "open",
        "ACCOUNTS_COUNTRIES": "US,GB,FR",
        "ACCOUNTS_DEFAULT_REGION": "US",
        # Tests of it switch it on.
        "ACCOUNTS_STAFF_SECOND_FACTOR": "false",
        "DJANGO_DEBUG": "true",
    }
)

from localcloud.settings import *  # noqa: E402, F403

# What is made while the settings are read is as on a developer's machine; pages are not.
DEBUG = False

# A slow hash keeps nobody's secret here; it would take a fifth of a second at every turn.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
