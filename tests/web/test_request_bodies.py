"""What is too large, too slow or without an end, in one process and straight at gunicorn."""

import socket
import time
from collections.abc import Iterator

import pytest
import requests
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import translation
from django.utils.translation import gettext

from tests.site import FORWARDED, Site

pytestmark = pytest.mark.programs

LOGIN = "/accounts/login/"
LIMIT = 64 * 1024


# In one process


@pytest.mark.parametrize(
    "large",
    [lambda: "1" * LIMIT, lambda: SimpleUploadedFile("a.bin", b"x" * LIMIT)],
    ids=["form", "upload"],
)
@pytest.mark.parametrize("path", [LOGIN, "/admin/login/", "/nothing-here"])
def test_body_that_is_too_large_gets_a_page(client, path, large):
    page = client.post(path, {"phone": large()})

    assert page.status_code == 413
    assert "That was too large" in page.text


def test_page_of_what_was_too_large_is_in_every_language(client):
    for language, _ in settings.LANGUAGES:
        page = client.post(LOGIN, {"phone": "1" * LIMIT}, headers={"Accept-Language": language})
        with translation.override(language):
            assert gettext("That was too large") in page.text


def test_body_is_refused_before_it_is_read(rf):
    from config.request_bodies import middleware

    class Unread:
        def read(self, *_):
            raise AssertionError

        readline = read

    request = rf.post(LOGIN, **{"wsgi.input": Unread(), "CONTENT_LENGTH": str(LIMIT + 1)})

    assert middleware(lambda _: None)(request).status_code == 413


@pytest.mark.django_db
def test_body_within_the_limit_is_read(client):
    page = client.post(LOGIN, {"phone": "1" * (LIMIT - 1000)})

    assert page.status_code == 200


# Straight at gunicorn


@pytest.fixture(scope="module")
def site(without_aws, tmp_path_factory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("site")
    running = Site(without_aws | {"WEB_THREADS": "4"}, directory / "site.log")
    try:
        running.wait("/healthz")
        yield running
    finally:
        running.kill()


def head(**fields: str) -> bytes:
    lines = [f"{name}: {value}" for name, value in {**FORWARDED, **fields}.items()]
    return "\r\n".join([f"POST {LOGIN} HTTP/1.1", *lines, "", ""]).encode()


def answer_to(site: Site, *pieces: bytes, pause: float = 0) -> bytes:
    """Send pieces with pauses between, as far as they are taken, and return what comes back."""
    with socket.create_connection(("127.0.0.1", site.port), timeout=30) as line:
        try:
            for piece in pieces:
                line.sendall(piece)
                time.sleep(pause)
        except OSError:
            pass
        answer = b""
        try:
            while chunk := line.recv(65536):
                answer += chunk
        except OSError:
            pass
        return answer


@pytest.mark.parametrize("size", [LIMIT + 1, 2_600_000, 20_000_000])
def test_gunicorn_answers_what_is_too_large(site, size):
    answer = requests.post(
        f"http://{site.address}{LOGIN}", data={"phone": "1" * size}, headers=FORWARDED, timeout=30
    )

    assert answer.status_code == 413
    assert answer.elapsed.total_seconds() < 3


@pytest.mark.parametrize("size", [10, 1_000_000])
def test_body_without_a_length_is_refused(site, size):
    def pieces() -> Iterator[bytes]:
        yield b"phone="
        yield b"1" * size

    answer = requests.post(
        f"http://{site.address}{LOGIN}", data=pieces(), headers=FORWARDED, timeout=30
    )

    assert answer.status_code == 413


@pytest.mark.parametrize("length", ["-1", "1e3", "abc", "1, 2", ""])
def test_length_that_is_no_number_is_refused(site, length):
    assert answer_to(site, head(**{"Content-Length": length})).split()[1] == b"400"


def drip(site: Site, *, is_head: bool) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", site.port), timeout=30)
    whole = head(**{"Content-Length": "1000"})
    line.sendall(whole[:-10] if is_head else whole + b"phone=")
    return line


@pytest.mark.parametrize("is_head", [True, False], ids=["head", "body"])
def test_slow_clients_do_not_hold_the_threads(site, is_head):
    lines = [drip(site, is_head=is_head) for _ in range(8)]
    try:
        started = time.monotonic()
        while time.monotonic() - started < 25:
            for line in lines:
                try:
                    line.send(b"x")
                except OSError:
                    continue
            try:
                if site.get("/healthz", timeout=1).ok:
                    break
            except requests.RequestException:
                pass
        assert time.monotonic() - started < 24
    finally:
        for line in lines:
            line.close()


def test_body_that_ends_early_is_no_form(site):
    """As much of a number as came in time must not be taken for the number."""
    with socket.create_connection(("127.0.0.1", site.port), timeout=30) as line:
        line.sendall(head(**{"Content-Length": "1000"}) + b"phone=%2B12015550123")
        line.shutdown(socket.SHUT_WR)
        assert line.recv(65536).split()[1] == b"408"
