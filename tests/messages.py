"""``python -m tests.messages``: bring locale/ in step with the strings of pages, forms and models.

New strings are added to every catalogue without a translation, and those that are gone are
dropped; then each is compiled. It needs no gettext tools: Django turns templates into what reads
like Python, and Babel extracts, merges and compiles.
"""

import io
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

PROJECT = Path(__file__).resolve().parent.parent
LOCALE = PROJECT / "locale"
LANGUAGES = ("ar", "de", "es", "fr", "hi", "ja", "pt_BR")
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
}
# What says who did it and when: the history of the repository knows better.
_CHATTER = re.compile(
    rb'^"(Report-Msgid-Bugs-To|(POT|PO)-[A-Za-z]+-Date|Last-Translator|Language-Team'
    rb"|Generated-By|Project-Id-Version): .*\n",
    re.MULTILINE,
)
_SOURCES = ("accounts/**/*.py", "localcloud/**/*.py", "templates/**/*.html")


def extracted() -> Catalog:
    """Return every string that people may read, with the places where it stands."""
    found = Catalog(project="phone-login", fuzzy=False)
    for pattern in _SOURCES:
        for path in sorted(PROJECT.glob(pattern)):
            place = path.relative_to(PROJECT).as_posix()
            for _, function, messages, _ in _strings(path):
                one = (messages,) if isinstance(messages, str) else messages
                texts = tuple(each for each in one if each)
                if texts:
                    is_plural = function.startswith("ngettext")
                    found.add(texts[:2] if is_plural else texts[0], locations=[(place, None)])
    return found


def read(language: str) -> Catalog:
    with path_of(language, "po").open("rb") as file:
        return read_po(file, locale=language)


def path_of(language: str, kind: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / f"django.{kind}"


def _written(catalog: Catalog) -> bytes:
    catalog.header_comment = f"# {catalog.locale_identifier}"
    out = io.BytesIO()
    write_po(out, catalog, width=100, sort_output=True)
    return _CHATTER.sub(b"", out.getvalue())


def _compiled(catalog: Catalog) -> bytes:
    # The same bytes from the same words.
    catalog.creation_date = catalog.revision_date = datetime.fromtimestamp(0, UTC)
    out = io.BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def untranslated(catalog: Catalog) -> list[Message]:
    return [
        message
        for message in catalog
        if message.id and (message.fuzzy or not all(_strings_of(message)))
    ]


def _strings_of(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string)


def _strings(path: Path) -> Iterator[tuple[int, str, str | tuple[str, ...], list[str]]]:
    source = path.read_text("utf-8")
    if path.suffix == ".html":
        source = templatize(source)
        # Nothing of a template is indented by any rule.
        source = "\n".join(line.strip() for line in source.splitlines())
    yield from extract_python(io.BytesIO(source.encode()), list(KEYWORDS), [], {})


def main() -> int:
    template = extracted()
    missing = 0
    for language in LANGUAGES:
        path = path_of(language, "po")
        path.parent.mkdir(parents=True, exist_ok=True)
        catalog = read(language) if path.exists() else Catalog(locale=language, fuzzy=False)
        catalog.update(template, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        path.write_bytes(_written(catalog))
        catalog = read(language)
        path_of(language, "mo").write_bytes(_compiled(catalog))
        todo = untranslated(catalog)
        missing += len(todo)
        for message in todo:
            print(f"{language}: to be translated: {message.id}")
    print(f"{len(template)} strings, {missing} translations missing")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
