"""The wording of every text, call and mail, in the person's language.

Each language is one catalogue, ``<language>.json`` in this package, and is offered because the file
is there. The pattern of a code (``sign_in``, ``change_number``, ``second_number``) begins with
``{code}`` and uses ``{app_name}`` and ``{minutes}``; the pattern of a notice (``number_changed``,
``invited``, ``passkey_added``, ``passkey_removed``, ``email_changed``, ``second_number_changed``,
``second_number_used``) uses ``{app_name}`` and ``{site_host}``, and ``recovery_started`` has
``{address}`` in place of the latter; ``not_me`` is added to a code where there is room, and uses
``{address}``. A ``call`` says ``{app_name}`` and twice ``{code}``, in a language that its voice
speaks (``senders.voice``); a ``mail`` has all four names, and its ``mail_subject`` no code, since
subjects are read over shoulders; so does ``mail_address``, which proves an address. ``mail_link``
ends the mail of a sign-in, with a ``{link}``. A notice by mail has the words of its text, and
``notice_subject``.

Phones turn an address into a link, with everything that touches it, hence the spaces around it; the
site has pages at ``/changed``, ``/no/…``, ``/stop/…``, ``/accounts``, ``/accounts/passkeys``,
``/accounts/email`` and ``/accounts/devices``. Nothing that a person typed goes in. Keep texts to
GSM-7 where the language allows: no á í ó ú ê ç ã õ, and one text is 160 characters.
"""

import json
import re
from pathlib import Path
from xml.sax.saxutils import escape

_LABEL = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")

# Read while the module loads: a damaged catalogue fails at once, for everybody.
_CATALOGUES: dict[str, dict[str, str]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in Path(__file__).parent.glob("*.json")
}
LANGUAGES = frozenset(_CATALOGUES)
DEFAULT_LANGUAGE = "en"
# Those with a word are followed by whoever wants to stop what they tell.
WITH_WORD = frozenset({"recovery_started"})
NOTICES = WITH_WORD | {
    "number_changed",
    "invited",
    "passkey_added",
    "passkey_removed",
    "email_changed",
    "second_number_changed",
    "second_number_used",
}

# Countries where a public notice is in one of our languages. Not India: Hindi is the first language
# of fewer than half, and costs two texts with longer names; people may choose it as their locale.
# Not Belgium or Canada: most of their people do not write French; nor the Gulf states where most do
# not write Arabic. Arabic may cost two texts as well, but where nearly everybody reads it, few read
# English.
_COUNTRIES_BY_LANGUAGE = {
    "ar": "DZ EG IQ JO LB LY MA MR OM PS SA SD SY TN YE",
    "de": "AT CH DE LI",
    "es": "AR BO CL CO CR CU DO EC ES GQ GT HN MX NI PA PE PR PY SV UY VE",
    "fr": """
        BF BI BJ CD CF CG CI CM DJ FR GA GF GN GP HT KM LU MC MG ML MQ NC NE PF PM RE SN TD TG WF
    """,
    "ja": "JP",
    "pt": "AO BR CV GW MZ PT ST",
}
_LANGUAGE_BY_COUNTRY = {
    country: language
    for language, countries in _COUNTRIES_BY_LANGUAGE.items()
    for country in countries.split()
}
_LOCALE = re.compile(r"([a-z]{2,3})([-_][a-z0-9]{1,8})*", re.ASCII | re.IGNORECASE)

# 3GPP TS 23.038, 6.2.1, without its escape; characters of the extension take two places.
_GSM_7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_7_EXTENSION = frozenset("\f^{}\\[~]|€")


def language_for(locale: str | None, country: str | None) -> str:
    """Return the language to write to someone in: one of LANGUAGES.

    ``locale`` is the person's choice (``pt-BR``, ``pt_br``, ``PT``), if any; ``country``
    is the ISO 3166 code of the phone's country, if that is known.
    """
    chosen = _LOCALE.fullmatch(locale or "")
    if chosen and chosen[1].lower() in LANGUAGES:
        return chosen[1].lower()
    return _LANGUAGE_BY_COUNTRY.get(country or "", DEFAULT_LANGUAGE)


def code_message(
    code: str,
    *,
    language: str,
    app_name: str,
    site_host: str,
    minutes: int,
    purpose: str = "sign_in",
    stop_word: str = "",
) -> str:
    """Return the message for a code that works for ``minutes``, in one of LANGUAGES.

    With a ``stop_word`` it says how to stop further texts, where that costs no second text.

    The last line binds the code to the site, so that phones offer it there and nowhere else
    (https://wicg.github.io/sms-one-time-codes/): ``@host #code``, a bare host, nothing after it.
    """
    _require_bare(site_host)
    words = _CATALOGUES[language][purpose].format(code=code, app_name=app_name, minutes=minutes)
    last = f"\n\n@{site_host} #{code}"
    if stop_word:
        not_me = _CATALOGUES[language]["not_me"].format(address=f"{site_host}/no/{stop_word}")
        if parts(f"{words} {not_me}{last}") == 1:
            return f"{words} {not_me}{last}"
    return f"{words}{last}"


def code_call(code: str, *, language: str, app_name: str) -> str:
    """Return the SSML of a call that reads a code digit by digit, slowly, twice."""
    pause = '<break time="700ms"/>'
    digits = f'{pause}<prosody rate="slow">{pause.join(code)}</prosody>{pause}'
    words = _CATALOGUES[language]["call"].format(code=digits, app_name=escape(app_name))
    return f"<speak>{words}</speak>"


def code_mail(
    code: str,
    *,
    language: str,
    app_name: str,
    site_host: str,
    minutes: int,
    kind: str = "mail",
    link: str = "",
) -> tuple[str, str]:
    """Return subject and text of a mail with a code that works for ``minutes``.

    With a ``link`` it says that one may open it instead.
    """
    _require_bare(site_host)
    words, names = _CATALOGUES[language], {"app_name": app_name, "site_host": site_host}
    text = words[kind].format(code=code, minutes=minutes, **names)
    if link:
        text += "\n\n" + words["mail_link"].format(link=link)
    return words[f"{kind}_subject"].format(**names), text


def notice_message(
    notice: str, *, language: str, app_name: str, site_host: str, word: str = ""
) -> str:
    """Return the message of one of NOTICES, in one of LANGUAGES. ``word`` is for WITH_WORD.

    Raises ValueError where ``site_host`` is not a bare host name.
    """
    _require_bare(site_host)
    address = f"{site_host}/stop/{word}"
    words = _CATALOGUES[language][notice]
    return words.format(app_name=app_name, site_host=site_host, address=address)


def notice_subject(*, language: str, app_name: str) -> str:
    """Return the subject of a notice that is mailed."""
    return _CATALOGUES[language]["notice_subject"].format(app_name=app_name)


def _require_bare(site_host: str) -> None:
    if not _HOST.fullmatch(site_host):
        raise ValueError("SITE_HOST must be a bare lower-case host name")


def parts(message: str) -> int:
    """Return how many texts a message is billed as.

    One in GSM-7 holds 160 characters, or 153 if there are more to come; one character outside
    makes it 70 and 67 UTF-16 units. A character of two units is not torn between two texts.
    """
    if set(message) <= _GSM_7 | _GSM_7_EXTENSION:
        whole, part = 160, 153
        sizes = [2 if character in _GSM_7_EXTENSION else 1 for character in message]
    else:
        whole, part = 70, 67
        sizes = [2 if character > "\uffff" else 1 for character in message]
    if sum(sizes) <= whole:
        return 1
    count, room = 1, part
    for size in sizes:
        if size > room:
            count, room = count + 1, part
        room -= size
    return count
