"""Two processes of the site, started as the image starts them, behind nginx with TLS.

They share PostgreSQL and Redis, and nothing else: a sign-in begins on one and ends on the other.
"""

import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
import trustme

from localcloud.cloud import PROJECT
from localcloud.emulator import free_port
from tests import provision
from tests.site import Site

pytestmark = pytest.mark.cloud

NGINX = """
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/nginx.log;
events {{ worker_connections 128; }}
http {{
  access_log off;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  upstream site {{ {servers} }}
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {directory}/certificate.pem;
    ssl_certificate_key {directory}/key.pem;
    location / {{
      proxy_pass http://site;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto https;
      proxy_set_header X-Request-ID $request_id;
      add_header X-Request-ID $request_id always;
      add_header X-Served-By $upstream_addr always;
    }}
  }}
}}
"""


@pytest.fixture(scope="module")
def pair(environment, tmp_path_factory) -> Iterator[list[Site]]:
    directory = tmp_path_factory.mktemp("sites")
    made = [Site(environment, directory / f"site-{n}.log") for n in range(2)]
    yield made
    for one in made:
        one.kill()


@pytest.fixture
def sites(pair) -> list[Site]:
    """Both are running, whatever an earlier test did to them."""
    for one in pair:
        if one.process.poll() is not None:
            one.start()
    for one in pair:
        one.wait()
    return pair


@pytest.fixture(scope="module")
def nginx(pair, tmp_path_factory) -> Iterator[tuple[str, str]]:
    """The address of nginx, and who has signed its certificate."""
    program = provision.nginx()
    if program is None:
        pytest.skip("nginx is not installed")
    tmp_path = tmp_path_factory.mktemp("nginx")
    authority, port = trustme.CA(), free_port()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    certificate.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(str(tmp_path / "certificate.pem"), append=True)
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    # max_fails=0: they take turns again as soon as a killed one is back.
    servers = " ".join(f"server {one.address} max_fails=0;" for one in pair)
    config = tmp_path / "nginx.conf"
    config.write_text(NGINX.format(directory=tmp_path, port=port, servers=servers))
    process = subprocess.Popen(
        [program, "-c", config, "-p", tmp_path, "-e", tmp_path / "nginx.log"]
    )
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.02)
        yield f"https://localhost:{port}", str(tmp_path / "authority.pem")
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def visitor(sites, nginx) -> Iterator[requests.Session]:
    """A browser at ``visitor.url``, whose requests nginx hands to the two in turn."""
    with requests.Session() as session:
        session.trust_env = False
        session.url, session.verify = nginx
        yield session


def post(visitor: requests.Session, path: str, **fields: str) -> requests.Response:
    token = visitor.cookies.get("__Host-csrftoken", "")
    headers = {"Referer": f"{visitor.url}/", "X-CSRFToken": token}
    return visitor.post(visitor.url + path, data=fields, headers=headers, allow_redirects=False)


def post_to(site: Site, visitor: requests.Session, path: str, **fields: str) -> requests.Response:
    """Post when it is the turn of ``site``."""
    for _ in range(4):
        asked = visitor.get(f"{visitor.url}/healthz")
        if asked.headers["X-Served-By"] != site.address:
            break
    answered = post(visitor, path, **fields)
    assert answered.headers["X-Served-By"] == site.address
    return answered


@pytest.fixture
def sign_in(visitor, sites, phone, texts) -> Callable[[], requests.Response]:
    """Begin on the first process, and end on the second."""

    def run() -> requests.Response:
        visitor.get(f"{visitor.url}/accounts/login/")
        asked = post_to(sites[0], visitor, "/accounts/login/", phone=phone)
        assert asked.status_code == 302
        code = re.match(r"\d{6}", texts(phone)[-1])[0]
        return post_to(sites[1], visitor, "/accounts/login/code/", code=code)

    return run


def test_sign_in_begins_on_one_process_and_ends_on_the_other_and_outlives_both(
    visitor, sites, sign_in, environment, tmp_path
):
    assert sign_in().status_code == 302
    for served in range(2):
        page = visitor.get(f"{visitor.url}/", allow_redirects=False)
        assert page.status_code == 200, f"not signed in at request {served}"

    sites[1].kill()
    for _ in range(3):
        page = visitor.get(f"{visitor.url}/", allow_redirects=False)
        assert page.status_code == 200
        assert page.headers["X-Served-By"].endswith(sites[0].address)


def test_log_lines_are_json_with_the_request_and_without_the_phone(
    visitor, sites, sign_in, phone, texts
):
    done = sign_in()
    visitor.get(f"{visitor.url}/admin/?q=%2B{phone[1:]}")
    code = re.match(r"\d{6}", texts(phone)[-1])[0]
    whole = "".join(site.log for site in sites)
    assert phone[1:] not in whole
    assert f'"{code}' not in whole
    (finished,) = [
        line
        for line in sites[1].lines()
        if line.get("request_id") == done.headers["X-Request-ID"]
        and line["message"] == "request_finished"
    ]
    assert finished["request"] == "POST /accounts/login/code/"
    assert finished["code"] == 302
    told = [line for line in sites[1].lines() if line["message"].startswith("Signed in: ")]
    assert [line["request_id"] for line in told].count(finished["request_id"]) == 1
    assert not [line for line in sites[0].lines() if "/healthz" in str(line)]
    # Nothing but JSON once gunicorn has the settings.
    after = sites[0].log.partition('{"')[2].splitlines()[1:]
    assert [line for line in after if not line.startswith("{")] == []


def test_files_are_served_compressed_and_for_ever(visitor):
    page = visitor.get(f"{visitor.url}/accounts/login/").text
    style = re.search(r'href="(/static/[^"]+\.[0-9a-f]{12}\.css)"', page)[1]
    got = visitor.get(visitor.url + style)
    assert got.status_code == 200
    assert got.headers["Content-Encoding"] == "gzip"
    assert "immutable" in got.headers["Cache-Control"]


def test_load_balancers_ask_by_address(sites):
    for path in ("/healthz", "/readyz"):
        asked = requests.get(f"http://{sites[0].address}{path}", timeout=5, allow_redirects=False)
        assert asked.status_code == 200
    assert asked.json()["database"] == "ok"
    assert re.fullmatch(r"\d+ s old", asked.json()["keys"])
    refused = requests.get(f"http://{sites[0].address}/accounts/login/", timeout=5)
    assert refused.status_code == 400


def test_requests_under_way_are_finished_when_a_process_is_told_to_stop(sites, phone, visitor):
    visitor.get(f"{visitor.url}/accounts/login/")
    answers: list[requests.Response] = []

    def ask() -> None:
        answers.append(post_to(sites[0], visitor, "/accounts/login/", phone=phone))

    under_way = threading.Thread(target=ask)
    seen = sites[0].log.count("POST /accounts/login/")
    under_way.start()
    while sites[0].log.count("POST /accounts/login/") == seen:
        time.sleep(0.005)
    sites[0].process.send_signal(signal.SIGTERM)
    under_way.join(timeout=30)
    assert [answer.status_code for answer in answers] == [302]
    assert sites[0].process.wait(timeout=30) == 0


def test_nothing_is_written_where_the_image_cannot_be_written_to(sites, sign_in):
    copied = re.findall(r"^COPY (\w+) \1$", (PROJECT / "Dockerfile").read_text(), re.MULTILINE)
    assert {"config", "accounts", "templates"} <= set(copied)

    def written() -> dict[Path, int]:
        files = (path for name in copied for path in (PROJECT / name).rglob("*"))
        return {path: path.stat().st_mtime_ns for path in files if "__pycache__" not in path.parts}

    before = written()
    sign_in()
    assert written() == before


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"DJANGO_DEBUG": "true"}, "site.E001"),
        ({"ACCOUNTS_COUNTRIES": ""}, "accounts.E001"),
    ],
)
def test_settings_that_are_not_safe_do_not_start(environment, tmp_path, wrong, says):
    site = Site({**environment, **wrong}, tmp_path / "site.log")
    try:
        assert site.process.wait(timeout=60) != 0
    finally:
        site.kill()
    assert says in site.log
    assert "not safe" in site.log
