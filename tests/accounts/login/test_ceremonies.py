import json
import random

import pytest
from django.test import RequestFactory

from accounts.login import ceremonies
from accounts.login.ceremonies import Refused, Site, decoded, encoded
from tests.authenticator import BACKED_UP, PRESENT, USUAL, VERIFIED, Authenticator

SITE = Site("localhost", "http://localhost")
CHALLENGE = encoded(bytes(range(40)))


def asked_to_make():
    return ceremonies.creation_options(
        SITE, challenge=CHALLENGE, handle=encoded(b"somebody"), name="+1 ••• 23", known=[]
    )


def asked():
    return ceremonies.request_options(SITE, challenge=CHALLENGE)


def made(device: Authenticator) -> ceremonies.Created:
    return ceremonies.check_created(SITE, ceremonies.read(device.create(asked_to_make())))


def used(device: Authenticator, text: str | None = None, site: Site = SITE) -> ceremonies.Used:
    public_key = made(Authenticator(key=device.key)).public_key
    answer = ceremonies.read(text or device.get(asked()))
    return ceremonies.check_used(site, answer, public_key=public_key)


def damaged(text: str, part: str, change) -> str:
    data = json.loads(text)
    data["response"][part] = encoded(change(decoded(data["response"][part])))
    return json.dumps(data)


def flipped(place: int):
    return lambda raw: raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]


def test_passkey_is_made_and_used():
    device = Authenticator(aaguid=bytes(15) + b"\x01")
    created = made(device)
    assert created.credential_id == encoded(device.credential)
    assert created.aaguid == "00000000-0000-0000-0000-000000000001"
    assert (created.is_synced, created.is_backed_up, created.sign_count) == (True, True, 0)
    assert used(device) == ceremonies.Used(0, is_synced=True, is_backed_up=True)
    assert used(Authenticator(flags=PRESENT | VERIFIED, count=7)).sign_count == 8


@pytest.mark.parametrize(
    "fault",
    [
        {"origin": "https://localhost.evil.example"},
        {"origin": "http://localhost:8001"},
        {"host": "evil.example"},
        {"flags": USUAL & ~VERIFIED},
        {"flags": USUAL & ~PRESENT},
        {"flags": PRESENT | VERIFIED | BACKED_UP},
        {"says": {"type": "payment.get"}},
        {"says": {"crossOrigin": True}},
        {"says": {"topOrigin": "https://evil.example"}},
        {"says": {"origin": None}},
    ],
    ids=str,
)
def test_answer_of_another_page_or_of_nobody_is_refused(fault):
    with pytest.raises(Refused):
        made(Authenticator(**fault))
    with pytest.raises(Refused):
        used(Authenticator(**fault))


def test_answer_to_one_question_is_none_to_the_other():
    device = Authenticator()
    making = device.create(asked_to_make())
    with pytest.raises(Refused):
        ceremonies.check_created(SITE, ceremonies.read(device.get(asked())))
    with pytest.raises(Refused):
        used(device, making)


def test_answer_to_another_challenge_is_refused():
    device = Authenticator()
    text = device.get(asked() | {"challenge": encoded(b"another")})
    answer = ceremonies.read(text)
    assert answer.challenge == encoded(b"another")
    lie = ceremonies.Answer(text, answer.credential_id, CHALLENGE)
    with pytest.raises(Refused):
        ceremonies.check_used(SITE, lie, public_key=made(device).public_key)


def test_key_of_somebody_else_is_refused():
    device, other = Authenticator(), Authenticator()
    with pytest.raises(Refused):
        used(device, other.get(asked()))


@pytest.mark.parametrize("part", ["clientDataJSON", "authenticatorData", "signature"])
def test_no_bit_of_an_answer_may_change(part):
    device = Authenticator(count=3)
    text = device.get(asked())
    assert used(device, text)
    length = len(decoded(json.loads(text)["response"][part]))
    for place in range(length):
        with pytest.raises(Refused):
            used(device, damaged(text, part, flipped(place)))
        if place % 8 == 0:
            with pytest.raises(Refused):
                used(device, damaged(text, part, lambda raw, place=place: raw[:place]))


def test_damaged_new_passkeys_are_refused_or_read_and_nothing_else():
    device, chance = Authenticator(), random.Random(1)
    text = device.create(asked_to_make())
    length = len(decoded(json.loads(text)["response"]["attestationObject"]))
    for place in range(length):
        for change in (flipped(place), lambda raw, place=place: raw[:place]):
            try:
                answer = ceremonies.read(damaged(text, "attestationObject", change))
                ceremonies.check_created(SITE, answer)
            except Refused:
                continue
    for _ in range(200):
        noise = chance.randbytes(chance.randrange(300))
        answer = ceremonies.read(damaged(text, "attestationObject", lambda raw, new=noise: new))
        with pytest.raises(Refused):
            ceremonies.check_created(SITE, answer)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        "[" * 20_000,
        '{"response": ' * 5_000,
        '{"rawId": "AA", "response": {"clientDataJSON": "bnVsbA"}}',
        '{"rawId": "AA", "response": {"clientDataJSON": "W10"}}',
        '{"rawId": 5, "response": {"clientDataJSON": "e30"}}',
        '{"rawId": "ä", "response": {"clientDataJSON": "e30"}}',
        "\0",
        "x" * 1_000_000,
    ],
    ids=lambda text: repr(text[:20]),
)
def test_text_that_is_no_answer_is_refused(text):
    with pytest.raises(Refused):
        ceremonies.read(text)


def test_error_holds_nothing_of_the_answer():
    with pytest.raises(Refused) as raised:
        made(Authenticator(origin="https://evil.example"))
    assert encoded(b"somebody") not in str(raised.value)


@pytest.mark.parametrize(
    ("host", "https", "expected"),
    [
        ("localhost:8000", False, Site("localhost", "http://localhost:8000")),
        ("localhost", True, Site("localhost", "https://localhost")),
        ("www.example.com", True, Site("www.example.com", "https://www.example.com")),
        ("www.example.com:8443", True, Site("www.example.com", "https://www.example.com:8443")),
        ("www.example.com", False, None),
        ("127.0.0.1:8000", True, None),
        ("[::1]:8000", True, None),
    ],
)
def test_site_is_a_name_that_browsers_have_passkeys_for(settings, host, https, expected):
    settings.ALLOWED_HOSTS, settings.HTTPS = ["*"], https
    assert ceremonies.site_of(RequestFactory().get("/", headers={"host": host})) == expected


def test_nobody_is_named_to_strangers():
    assert asked()["allowCredentials"] == []
    assert asked()["userVerification"] == "required"
