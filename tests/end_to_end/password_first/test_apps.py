"""Amplify and amazon-cognito-identity-js as they come from npm, at the real triggers."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from localcloud import example, inbox
from tests import provision
from tests.codes import wrong
from tests.end_to_end.password_first.conftest import PASSWORD
from tests.fakes.cognito_front.triggers import CREATE

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.parametrize("library", ["identity-js", "amplify"]),
    pytest.mark.skipif(
        provision.example_libraries() is None,
        reason="the libraries of examples/spa are not installed: make test needs npm for them",
    ),
]
REFUSED = {"error": "NotAuthorizedException", "message": "Incorrect username or password."}
Said = list[dict[str, Any]]


@pytest.fixture
def sign_in(cloud, strict, library) -> Callable[..., Said]:
    """``sign_in(phone, password, *codes)``: what the library says. A code is made from the text."""

    def run(phone: str, password: str, *codes: Callable[[str], str]) -> Said:
        given = {
            "library": library,
            "modules": str(example.LIBRARIES.parent / "package.json"),
            "userPoolId": cloud.outputs["CognitoUserPoolId"],
            "clientId": cloud.outputs["PublicClientId"],
            "endpoint": f"{strict.url}/",
            "phone": phone,
            "password": password,
        }
        command = [shutil.which("node"), Path(__file__).with_name("app.mjs"), json.dumps(given)]
        said: Said = []
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            answers = iter(codes)
            for line in process.stdout:
                said.append(json.loads(line))
                if "asked" in said[-1]:
                    code = inbox.texts(cloud.emulator.url, phone)[-1].code
                    process.stdin.write(f"{next(answers)(code)}\n".encode())
                    process.stdin.flush()
        return said

    return run


def right(code: str) -> str:
    return code


def test_password_then_code_signs_in(sign_in, person, texts):
    first, second, last = sign_in(person, PASSWORD, wrong, right)
    assert first["asked"]["kind"] == "code"
    assert (first["asked"]["triesLeft"], second["asked"]["triesLeft"]) == ("3", "2")
    assert last["claims"]["phone_number"] == person
    assert len(texts(person)) == 1


def test_third_wrong_code_after_a_password_ends_it(sign_in, person):
    *asked, last = sign_in(person, PASSWORD, wrong, wrong, wrong)
    assert len(asked) == 3
    assert last == REFUSED


def test_wrong_password_texts_nothing_and_tells_nothing(sign_in, person, make_phone, texts, strict):
    nobody = make_phone()
    assert sign_in(person, "Wrong-Horse-7") == sign_in(nobody, "Wrong-Horse-7") == [REFUSED]
    assert (texts(person), texts(nobody)) == ([], [])
    assert strict.count(CREATE) == 0


def test_temporary_password_gives_no_tokens(sign_in, phone, add_person, texts):
    add_person(phone, permanent=False)
    assert sign_in(phone, PASSWORD) == [REFUSED]
    assert texts(phone) == []
