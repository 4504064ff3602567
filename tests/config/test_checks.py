"""What a deployment must not be like."""

import pytest
from django.core import checks

from config import address_checks
from config import checks as site_checks


@pytest.fixture
def production(settings, tmp_path, monkeypatch):
    settings.DEBUG = False
    settings.LOCAL_CLOUD = False
    settings.HTTPS = True
    settings.SECRET_KEY = "aB3-dE5_gH7-jK9_mN1-pQ3_sT5-vW7_yZ9-bC1_eF3-hJ5_kL7"
    settings.ALLOWED_HOSTS = ["www.example.com"]
    settings.TRUSTED_PROXIES = 1
    settings.SECURE_HSTS_SECONDS = 31536000
    settings.AWS_ENDPOINT_URL = ""
    settings.CACHE_URL = settings.ACCOUNTS_THROTTLE_URL = "redis://127.0.0.1:9/0"
    settings.STATIC_ROOT = tmp_path
    (tmp_path / "staticfiles.json").touch()
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.postgresql")
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache"}}
    return settings


OF_DEPLOYMENTS = (
    site_checks.check_production,
    site_checks.check_scaling,
    site_checks.check_hsts,
    site_checks.check_proxy,
    address_checks.check_transport,
    address_checks.check_identity,
)
ALWAYS = (site_checks.check_numbers, address_checks.check_storages)


def messages() -> list[checks.CheckMessage]:
    return [message for check in (*OF_DEPLOYMENTS, *ALWAYS) for message in check(None)]


def found() -> list[str]:
    return [one.id for one in messages()]


def test_checks_are_made_of_deployments_and_of_nothing_else():
    made = checks.registry.registry.get_checks(include_deployment_checks=True)
    usual = checks.registry.registry.get_checks()
    for each in OF_DEPLOYMENTS:
        assert each in made
        assert each not in usual
    for each in ALWAYS:
        assert each in usual


def test_production_is_well(production):
    assert found() == []


@pytest.mark.parametrize(
    ("name", "value", "check"),
    [
        ("DEBUG", True, "site.E001"),
        ("LOCAL_CLOUD", True, "site.E002"),
        ("HTTPS", False, "site.E003"),
        ("SECRET_KEY", "short", "site.E004"),
        ("SECRET_KEY", "a" * 50, "site.E004"),
        ("ALLOWED_HOSTS", ["*"], "site.E005"),
        ("ALLOWED_HOSTS", [], "site.E005"),
        ("STATIC_ROOT", "/nonexistent", "site.E006"),
        ("AWS_ENDPOINT_URL", "http://cognito.example.com", "site.E007"),
        ("AWS_ENDPOINT_URL", "http://10.0.0.7:4566", "site.E007"),
        ("AWS_ENDPOINT_URL", "cognito.example.com", "site.E007"),
        ("COGNITO_USER_POOL_ID", "us-east-1_Example01", "site.E008"),
        ("COGNITO_ISSUER", "https://issuer.example.com/eu-west-1_Example01", "site.E008"),
        (
            "COGNITO_ISSUER",
            "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Another1",
            "site.E008",
        ),
        (
            "COGNITO_ISSUER",
            "https://cognito-idp.eu-west-1.amazonaws.com.example.com/eu-west-1_Example01",
            "site.E008",
        ),
        ("COGNITO_JWKS_URL", "https://keys.example.com/jwks.json", "site.E008"),
        ("CACHE_URL", "http://127.0.0.1", "site.E009"),
        ("CACHE_URL", "valkey://127.0.0.1:6379/0", "site.E009"),
        ("ACCOUNTS_THROTTLE_URL", "junk", "site.E009"),
        ("ACCOUNTS_THROTTLE_URL", "http://127.0.0.1", "site.E009"),
        ("ACCOUNTS_THROTTLE_URL", "redis://127.0.0.1:port/0", "site.E009"),
        ("TRUSTED_PROXIES", -1, "site.E010"),
        ("TRUSTED_PROXIES", 11, "site.E010"),
        ("COGNITO_THREADS", 0, "site.E010"),
        ("DATABASE_STATEMENT_SECONDS", 0, "site.E010"),
        ("DATABASE_STATEMENT_SECONDS", 3600, "site.E010"),
        ("SECURE_HSTS_SECONDS", 10**9, "site.E010"),
    ],
)
def test_what_is_not_safe_is_an_error(production, name, value, check):
    setattr(production, name, value)
    (message,) = messages()
    assert (message.id, message.level) == (check, checks.ERROR)
    assert message.hint


def test_what_does_not_scale_is_a_warning(production, monkeypatch):
    monkeypatch.setitem(production.DATABASES["default"], "ENGINE", "django.db.backends.sqlite3")
    production.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    assert found() == ["site.W001", "site.W002"]


@pytest.mark.parametrize(
    ("given", "check"),
    [
        ({"SECURE_HSTS_SECONDS": 3600}, "site.W004"),
        ({"SECURE_HSTS_PRELOAD": True}, "site.W004"),
        ({"TRUSTED_PROXIES": 0}, "site.W005"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}, "site.W003"),
        ({"COGNITO_JWKS_URL": "http://localhost:4566/jwks.json"}, "site.W003"),
    ],
)
def test_what_is_not_the_best_is_a_warning(production, given, check):
    for name, value in given.items():
        setattr(production, name, value)
    (message,) = messages()
    assert (message.id, message.level) == (check, checks.WARNING)
    assert message.hint


@pytest.mark.parametrize("host", ["cognito-idp", "issuer-cognito-idp", "cognito-idp-fips"])
def test_issuers_of_the_pool_are_well(production, host):
    production.COGNITO_ISSUER = (
        f"https://{host}.eu-west-1.amazonaws.com/{production.COGNITO_USER_POOL_ID}"
    )
    assert found() == []


def test_addresses_that_boto3_reads_by_itself_are_looked_at(production, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", "http://cognito.example.com")
    (message,) = messages()
    assert message.id == "site.E007"
    assert "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER" in message.msg


def test_password_of_a_storage_is_not_said(production):
    production.ACCOUNTS_THROTTLE_URL = "redis://:hunter2@127.0.0.1:port/0"
    assert "hunter2" not in str(messages())


def test_preloading_with_all_that_it_needs_is_well(production):
    production.SECURE_HSTS_PRELOAD = production.SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    assert found() == []
