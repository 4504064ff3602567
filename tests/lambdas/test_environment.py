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


def test_text_missing_is_its_default(monkeypatch):
    monkeypatch.delenv("APP_NAME", raising=False)
    assert environment.text("APP_NAME", "Example") == "Example"


def test_text_blank_is_its_default(monkeypatch):
    monkeypatch.setenv("APP_NAME", " ")
    assert environment.text("APP_NAME", "Example") == "Example"


def test_text_set_is_not_its_default(monkeypatch):
    monkeypatch.setenv("APP_NAME", "Another")
    assert environment.text("APP_NAME", "Example") == "Another"


def limit(*default: int) -> int:
    return environment.number("LIMIT", *default, low=60, high=600)


@pytest.mark.parametrize(("value", "number"), [("60", 60), ("600", 600), (" 300 ", 300)])
def test_number_in_range_is_read(monkeypatch, value, number):
    monkeypatch.setenv("LIMIT", value)
    assert limit() == number


@pytest.mark.parametrize(
    "value",
    ["59", "601", "0", "-60", "+60", "6e1", "60.0", "6_0", "60s", "٦٠", "6²", "9" * 4000],
)
def test_number_wrong_names_the_variable_and_the_range(monkeypatch, value):
    monkeypatch.setenv("LIMIT", value)
    with pytest.raises(environment.WrongEnvironment, match=r"LIMIT .* 60 to 600"):
        limit()
    with pytest.raises(environment.WrongEnvironment, match=r"LIMIT .* 60 to 600"):
        limit(300)


@pytest.mark.parametrize("value", [None, "", " "])
def test_number_missing_is_its_default(monkeypatch, value):
    monkeypatch.delenv("LIMIT", raising=False)
    if value is not None:
        monkeypatch.setenv("LIMIT", value)
    assert limit(300) == 300


def test_number_missing_without_a_default_names_the_variable(monkeypatch):
    monkeypatch.delenv("LIMIT", raising=False)
    with pytest.raises(environment.WrongEnvironment, match="LIMIT is not set"):
        limit()


def test_number_default_out_of_range_is_refused(monkeypatch):
    monkeypatch.delenv("LIMIT", raising=False)
    with pytest.raises(environment.WrongEnvironment, match="LIMIT"):
        limit(601)


@pytest.mark.parametrize("value", ["US,CA", " US , CA ", "US,CA,US", ",US,,CA,"])
def test_words_are_read_from_a_list_with_commas(monkeypatch, value):
    monkeypatch.setenv("COUNTRIES", value)
    assert environment.words("COUNTRIES") == {"US", "CA"}


@pytest.mark.parametrize("value", [None, "", " ", ",", " , "])
def test_words_none_names_the_variable(monkeypatch, value):
    monkeypatch.delenv("COUNTRIES", raising=False)
    if value is not None:
        monkeypatch.setenv("COUNTRIES", value)
    with pytest.raises(environment.WrongEnvironment, match="COUNTRIES"):
        environment.words("COUNTRIES")


@pytest.mark.parametrize(("value", "found"), [("0.50", "0.50"), (" 1 \n", "1"), ("", None)])
def test_matching_is_read_or_none(monkeypatch, value, found):
    monkeypatch.setenv("MAX_PRICE", value)
    assert environment.matching("MAX_PRICE", r"[0-9.]+", hint="a price") == found


def test_matching_missing_is_none(monkeypatch):
    monkeypatch.delenv("MAX_PRICE", raising=False)
    assert environment.matching("MAX_PRICE", r"[0-9.]+", hint="a price") is None


@pytest.mark.parametrize("value", ["1 2", "much", "1\n2", "1x"])
def test_matching_wrong_names_the_variable_and_what_it_must_be(monkeypatch, value):
    monkeypatch.setenv("MAX_PRICE", value)
    with pytest.raises(environment.WrongEnvironment, match="MAX_PRICE must be a price") as raised:
        environment.matching("MAX_PRICE", r"[0-9.]+", hint="a price")
    assert value not in str(raised.value)
