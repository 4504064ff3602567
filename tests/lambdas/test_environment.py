import pytest

from lambdas.triggers import environment


def test_text_set_is_stripped(monkeypatch):
    monkeypatch.setenv("APP_NAME", " Example \n")
    assert environment.text("APP_NAME") == "Example"


def test_text_missing_names_the_variable(monkeypatch):
    monkeypatch.delenv("APP_NAME", raising=False)
    with pytest.raises(environment.WrongEnvironment, match="APP_NAME"):
        environment.text("APP_NAME")


@pytest.mark.parametrize("value", ["", " ", "\n"])
def test_text_blank_names_the_variable(monkeypatch, value):
    monkeypatch.setenv("APP_NAME", value)
    with pytest.raises(environment.WrongEnvironment, match="APP_NAME"):
        environment.text("APP_NAME")


@pytest.mark.parametrize(("value", "seconds"), [("60", 60), ("600", 600), (" 300 ", 300)])
def test_seconds_in_range_are_read(monkeypatch, value, seconds):
    monkeypatch.setenv("CODE_LIFETIME_SECONDS", value)
    assert environment.seconds("CODE_LIFETIME_SECONDS", low=60, high=600) == seconds


@pytest.mark.parametrize(
    "value",
    ["59", "601", "0", "-60", "+60", "6e1", "60.0", "6_0", "60s", "٦٠", "6²", "9" * 400],
)
def test_seconds_wrong_names_the_variable_and_the_range(monkeypatch, value):
    monkeypatch.setenv("CODE_LIFETIME_SECONDS", value)
    with pytest.raises(environment.WrongEnvironment, match=r"CODE_LIFETIME_SECONDS .* 60 to 600"):
        environment.seconds("CODE_LIFETIME_SECONDS", low=60, high=600)


def test_seconds_missing_names_the_variable(monkeypatch):
    monkeypatch.delenv("CODE_LIFETIME_SECONDS", raising=False)
    with pytest.raises(environment.WrongEnvironment, match="CODE_LIFETIME_SECONDS is not set"):
        environment.seconds("CODE_LIFETIME_SECONDS", low=60, high=600)
