"""What a deployment must not be like."""

import pytest
from django.core import checks

from config import checks as site_checks


@pytest.fixture
def production(settings, tmp_path, monkeypatch):
    settings.DEBUG = False
    settings.LOCAL_CLOUD = False
    settings.HTTPS = True
    settings.SECRET_KEY = "aB3-dE5_gH7-jK9_mN1-pQ3_sT5-vW7_yZ9-bC1_eF3-hJ5_kL7"
    settings.ALLOWED_HOSTS = ["www.example.com"]
    settings.STATIC_ROOT = tmp_path
    (tmp_path / "staticfiles.json").touch()
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.postgresql")
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache"}}
    return settings


def found() -> list[str]:
    messages = site_checks.check_production(None) + site_checks.check_scaling(None)
    return [one.id for one in messages]


def test_checks_are_made_of_deployments_and_of_nothing_else():
    made = checks.registry.registry.get_checks(include_deployment_checks=True)
    usual = checks.registry.registry.get_checks()
    for each in (site_checks.check_production, site_checks.check_scaling):
        assert each in made
        assert each not in usual


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
    ],
)
def test_what_is_not_safe_is_an_error(production, name, value, check):
    setattr(production, name, value)
    (message,) = site_checks.check_production(None)
    assert (message.id, message.level) == (check, checks.ERROR)
    assert message.hint


def test_what_does_not_scale_is_a_warning(production, monkeypatch):
    monkeypatch.setitem(production.DATABASES["default"], "ENGINE", "django.db.backends.sqlite3")
    production.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    assert found() == ["site.W001", "site.W002"]
