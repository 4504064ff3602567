"""Ceremonies of WebAuthn: what browsers are asked for a passkey, and whether answers are right.

The options are those of ``PublicKeyCredential.parse…OptionsFromJSON``, the answers are the
``toJSON()`` of a credential, as text. Nobody is looked up here and nothing is written. Every answer
must be of this site's own pages, and of a person whom their device has recognised (by finger, face
or screen lock).
"""

import base64
import json
import logging
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from accounts.conf import conf

log = logging.getLogger(__name__)

# Milliseconds.
_PATIENCE = 5 * 60 * 1000
# Algorithms of passkeys, the best first: Ed25519, ECDSA and RSA, the last two with SHA-256.
_ALGORITHMS = (-8, -7, -257)
# A key of 1023 bytes at most, and a certificate or two, as text.
_MAX_ANSWER = 32_000


class Refused(Exception):
    """The answer is malformed, of another site, or not right. The message is for logs."""


@dataclass(frozen=True)
class Site:
    """The host for which passkeys are good, and the ``origin`` of its pages."""

    host: str
    origin: str


@dataclass(frozen=True)
class Answer:
    """An answer that nobody has checked yet. ``challenge`` and ``handle`` are base64url."""

    text: str = field(repr=False)
    credential_id: str
    challenge: str
    handle: str = ""


@dataclass(frozen=True)
class Created:
    """A new passkey; see ``models.Passkey``. ``aaguid`` says what made it, as far as that says."""

    credential_id: str
    public_key: bytes
    sign_count: int
    is_synced: bool
    is_backed_up: bool
    aaguid: str


@dataclass(frozen=True)
class Used:
    """A right answer of a passkey."""

    sign_count: int
    is_synced: bool
    is_backed_up: bool


def site_of(request: HttpRequest) -> Site | None:
    """Return the site that a request came to, None where browsers have no passkeys for it.

    They have them for names, not for addresses, and by https or on this machine. Django has checked
    the host.
    """
    named = request.get_host()
    host = named.rpartition(":")[0] if named.rpartition(":")[2].isdigit() else named
    is_name = host.rpartition(".")[2].isalpha() and "[" not in host
    if not is_name or not (settings.HTTPS or host == "localhost"):
        return None
    return Site(host, f"{'https' if settings.HTTPS else 'http'}://{named}")


def creation_options(
    site: Site, *, challenge: str, handle: str, name: str, known: list[str]
) -> dict[str, Any]:
    """Return what a browser is asked to make a passkey.

    ``name`` is shown where its person chooses among passkeys. A device that has one of ``known``
    makes no other.
    """
    return {
        "rp": {"id": site.host, "name": conf.site_name or site.host},
        "user": {"id": handle, "name": name, "displayName": name},
        "challenge": challenge,
        "pubKeyCredParams": [{"type": "public-key", "alg": alg} for alg in _ALGORITHMS],
        "timeout": _PATIENCE,
        "excludeCredentials": [{"type": "public-key", "id": each} for each in known],
        "authenticatorSelection": {
            # Found by the browser, so that nobody types a name.
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "required",
        },
        # Which device it is says nothing that anybody here asks for.
        "attestation": "none",
    }


def request_options(site: Site, *, challenge: str) -> dict[str, Any]:
    """Return what a browser is asked to sign in with any passkey it has for this site."""
    return {
        "rpId": site.host,
        "challenge": challenge,
        "timeout": _PATIENCE,
        "userVerification": "required",
        # None is named: a list would tell whose they are.
        "allowCredentials": [],
    }


@sensitive_variables()
def read(text: str) -> Answer:
    """Read which passkey and which challenge an answer is about. Raises Refused."""
    if len(text) > _MAX_ANSWER:
        raise Refused("Too long")
    try:
        data = json.loads(text)
        response = data["response"]
        client = json.loads(decoded(response["clientDataJSON"]))
        if client.get("crossOrigin") not in (None, False) or "topOrigin" in client:
            raise Refused("Of a page in a frame")
        return Answer(
            text,
            credential_id=encoded(decoded(data["rawId"])),
            challenge=encoded(decoded(client["challenge"])),
            handle=encoded(decoded(response.get("userHandle") or "")),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Refused(f"Malformed: {type(error).__name__}") from error


@sensitive_variables()
def check_created(site: Site, answer: Answer) -> Created:
    """Return the passkey that was made for the challenge of ``answer``. Raises Refused."""
    # Here, since it takes a third of a second, which only those pay who use it.
    import webauthn
    from webauthn.helpers.cose import COSEAlgorithmIdentifier

    try:
        found = webauthn.verify_registration_response(
            credential=answer.text,
            expected_challenge=decoded(answer.challenge),
            expected_rp_id=site.host,
            expected_origin=site.origin,
            require_user_verification=True,
            supported_pub_key_algs=[COSEAlgorithmIdentifier(alg) for alg in _ALGORITHMS],
        )
    # Its own errors have one root, but damaged bytes make it raise those of Python, of CBOR and of
    # certificates as well.
    except Exception as error:
        raise Refused(f"{type(error).__name__}: {error}"[:200]) from error
    if encoded(found.credential_id) != answer.credential_id:
        raise Refused("Of another passkey")
    return Created(
        credential_id=answer.credential_id,
        public_key=found.credential_public_key,
        sign_count=found.sign_count,
        is_synced=found.credential_device_type == "multi_device",
        is_backed_up=found.credential_backed_up,
        aaguid=found.aaguid,
    )


@sensitive_variables()
def check_used(site: Site, answer: Answer, *, public_key: bytes) -> Used:
    """Return what a passkey says that has answered its challenge. Raises Refused.

    The caller compares the count: the library would do so before it looks at the signature, and
    anybody could have a passkey switched off.
    """
    import webauthn

    try:
        found = webauthn.verify_authentication_response(
            credential=answer.text,
            expected_challenge=decoded(answer.challenge),
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except Exception as error:  # as above
        raise Refused(f"{type(error).__name__}: {error}"[:200]) from error
    return Used(
        sign_count=found.new_sign_count,
        is_synced=found.credential_device_type == "multi_device",
        is_backed_up=found.credential_backed_up,
    )


def encoded(value: bytes) -> str:
    """Return bytes as base64url without padding, the one way to write them."""
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def decoded(value: str) -> bytes:
    """Return the bytes of ``encoded``. Raises ValueError."""
    return base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
