"""The catalogues in locale/: complete, with every placeholder, compiled, and in step."""

import re

import pytest
from babel.messages.catalog import Message
from babel.messages.mofile import read_mo
from django.conf import settings
from django.utils import translation

from tests import messages

in_every_language = pytest.mark.parametrize("language", messages.LANGUAGES)
# %(name)s and %s of Python, {time} of the scripts, and the tags of HTML.
_KEPT = re.compile(r"%(?:\(\w+\))?[sd]|\{\w+\}|<[^>]+>")


@pytest.fixture(scope="module")
def strings() -> set[str | tuple[str, ...]]:
    return {_key(message) for message in messages.extracted() if message.id}


def _key(message: Message) -> str | tuple[str, ...]:
    return message.id if isinstance(message.id, str) else tuple(message.id)


def _forms(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string)


def translations(language: str) -> list[Message]:
    return [message for message in messages.read(language) if message.id]


def test_languages_of_the_site_are_those_with_a_catalogue():
    offered = {translation.to_locale(code) for code, _ in settings.LANGUAGES} - {"en"}
    assert offered == set(messages.LANGUAGES)
    assert {path.name for path in messages.LOCALE.iterdir()} == offered


@in_every_language
def test_catalogue_has_every_string_of_the_site_and_no_other(language, strings):
    """People who change a string run ``make messages`` and translate it."""
    assert {_key(message) for message in translations(language)} == strings


@in_every_language
def test_catalogue_is_translated_whole(language):
    catalog = messages.read(language)
    assert [message.id for message in messages.untranslated(catalog)] == []
    assert list(catalog.obsolete) == []


@in_every_language
def test_catalogue_keeps_placeholders_and_tags(language):
    for message in translations(language):
        if isinstance(message.id, str):
            assert sorted(_KEPT.findall(message.string)) == sorted(_KEPT.findall(message.id))
        else:
            # "One minute" may do without the number.
            wanted = set(_KEPT.findall(message.id[1]))
            assert all(set(_KEPT.findall(form)) <= wanted for form in message.string)
            assert set(_KEPT.findall(message.string[-1])) == wanted


@in_every_language
def test_catalogue_has_every_form_of_the_plural(language):
    catalog = messages.read(language)
    wanted = {"ar": 6, "ja": 1}.get(language, 2)
    assert catalog.num_plurals == wanted
    for message in translations(language):
        if not isinstance(message.id, str):
            assert len(_forms(message)) == wanted


@in_every_language
def test_catalogue_is_clean_text(language):
    for message in translations(language):
        for form in _forms(message):
            assert form == form.strip()
            assert "  " not in form
            assert "'" not in form or language not in ("fr", "de")


@in_every_language
def test_compiled_catalogue_is_in_step(language):
    with messages.path_of(language, "mo").open("rb") as file:
        compiled = read_mo(file)
    assert {_key(each): _forms(each) for each in compiled if each.id} == {
        _key(each): _forms(each) for each in translations(language)
    }


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "ar",
            {1: "محاولة واحدة", 2: "محاولتان", 3: "3 محاولات", 11: "11 محاولة", 100: "100 محاولة"},
        ),
        ("fr", {0: "0 essai.", 1: "1 essai.", 2: "2 essais."}),
        ("ja", {1: "1 回", 3: "3 回"}),
        ("de", {1: "1 Versuch.", 3: "3 Versuche."}),
    ],
)
def test_numbers_take_their_form_of_the_plural(language, words):
    with translation.override(language):
        for number, expected in words.items():
            said = translation.ngettext(
                "You have %(tries)s try.", "You have %(tries)s tries.", number
            )
            assert expected in said % {"tries": number}


def test_glossary_has_the_words_of_the_catalogues(project):
    page = (project / "docs" / "pages.md").read_text("utf-8")
    table = re.search(r"^\| en \|.*\n\|[-|]+\n((?:\|.*\n)+)", page, re.MULTILINE)[0]
    head, _, *rows = [line.strip("| ").split(" | ") for line in table.splitlines()]

    assert head == ["en", *messages.LANGUAGES]
    assert len(rows) > 10
    for language, *words in list(zip(*(head, *rows), strict=True))[1:]:
        found = {message.id: message.string for message in translations(language)}
        assert words == [found[english] for english, *_ in rows]
