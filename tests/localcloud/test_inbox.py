"""The inbox page of local mode."""

import os
import re
import subprocess
import sys

import pytest
from django.test import Client

from tests.wire import Reply, WireServer

INBOX = "/local/inbox/"
ONE, OTHER = "+12015550101", "+12015550102"


@pytest.fixture
def local_aws(wire: WireServer, settings) -> WireServer:
    settings.AWS_ENDPOINT_URL = wire.url
    return wire


def listing(**texts: list[str]) -> Reply:
    """What the emulator answers: phones in the order of their first text."""
    return Reply({"sms_messages": {k: [{"Message": t} for t in v] for k, v in texts.items()}})


def shown(client: Client) -> list[tuple[str, str]]:
    page = client.get(INBOX)
    assert page.status_code == 200
    found = re.findall(
        r'<h2>To ([^<]*)</h2><p class="bubble" dir="auto">([^<]*)</p>', page.content.decode()
    )
    return [(phone.replace("&#43;", "+"), body) for phone, body in found]


def test_texts_of_a_phone_are_shown_newest_first(client, local_aws):
    local_aws.will(listing(**{ONE: ["first", "second", "third"]}))
    assert shown(client) == [(ONE, "third"), (ONE, "second"), (ONE, "first")]
    assert local_aws.requests[0].path == "/_ministack/sns/sms-messages"


def test_newest_text_of_every_phone_comes_before_older_ones(client, local_aws):
    local_aws.will(listing(**{ONE: ["1a", "1b", "1c"], OTHER: ["2a", "2b"]}))
    assert shown(client) == [
        (OTHER, "2b"),
        (ONE, "1c"),
        (OTHER, "2a"),
        (ONE, "1b"),
        (ONE, "1a"),
    ]


def test_newest_text_is_shown_however_many_there_are(client, local_aws):
    """The phone that signed in first of all signs in again, after many texts to another."""
    many = [f"text {number}" for number in range(500)]
    local_aws.will(listing(**{ONE: ["old", "wanted"], OTHER: many}))
    found = shown(client)
    assert (ONE, "wanted") in found[:2]
    assert len(found) < 50


def test_texts_are_escaped(client, local_aws):
    local_aws.will(listing(**{"<b>+1</b>": ["<script>alert(1)</script>"]}))
    page = client.get(INBOX).content.decode()
    assert "<script>" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize("path", ["no/K7F2Q", "changed"])
def test_address_of_the_site_leads_to_this_machine(client, local_aws, path):
    text = f"Not you? localhost/{path}\n\n@localhost #123456"
    local_aws.will(listing(**{ONE: [text]}))
    page = client.get(INBOX).content.decode()
    assert f'Not you? <a href="/{path}" target="site">localhost/{path}</a>\n\n@localhost' in page


def test_other_addresses_are_no_links(client, local_aws):
    local_aws.will(listing(**{ONE: ["evil.example/nowhere javascript:alert(1)/no/x"]}))
    assert "<a " not in client.get(INBOX).content.decode().partition("bubble")[2]


def test_empty_inbox_says_what_to_do(client, local_aws):
    local_aws.will(listing())
    page = client.get(INBOX).content.decode()
    assert "No texts yet" in page
    assert 'href="/accounts/login/"' in page


@pytest.mark.parametrize(
    "reply", [Reply(drop=True), Reply({}, 500), Reply(b"<html>")], ids=["drop", "500", "html"]
)
def test_local_aws_that_fails_gives_a_page_that_says_so(client, local_aws, reply):
    local_aws.will(reply)
    page = client.get(INBOX)
    assert page.status_code == 503
    assert "The local AWS does not answer" in page.content.decode()
    assert 'http-equiv="refresh"' in page.content.decode()


def test_local_aws_that_is_away_gives_a_page_that_says_so(client, settings):
    settings.AWS_ENDPOINT_URL = "http://127.0.0.1:9"
    page = client.get(INBOX)
    assert page.status_code == 503
    assert "make run" in page.content.decode()


def test_page_carries_the_security_headers_and_is_not_kept(client, local_aws):
    local_aws.will(listing())
    page = client.get(INBOX)
    policy = page["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "style-src 'self'"} <= set(policy)
    assert page["X-Frame-Options"] == "DENY"
    assert page["X-Content-Type-Options"] == "nosniff"
    assert page["Referrer-Policy"] == "same-origin"
    assert "no-store" in page["Cache-Control"]


def test_page_refreshes_itself_with_and_without_scripts(client, local_aws):
    local_aws.will(listing())
    page = client.get(INBOX).content.decode()
    assert '<meta http-equiv="refresh" content="2">' in page
    assert "<script>" not in page


def test_page_is_for_reading_only(client, local_aws):
    assert client.post(INBOX).status_code == 405
    assert local_aws.requests == []


@pytest.mark.cloud
def test_text_that_the_local_aws_sends_is_shown(client, cloud, on_cloud, phone):
    sns = cloud.root_session().client("sns", endpoint_url=cloud.emulator.url)
    sns.publish(PhoneNumber=phone, Message="123456 & more")
    assert (phone, "123456 &amp; more") in shown(client)


@pytest.mark.programs
def test_page_is_not_there_outside_local_mode(project):
    program = (
        "import django; django.setup(); from django.test import Client;"
        "print(Client(SERVER_NAME='localhost').get('/local/inbox/').status_code)"
    )
    environment = {
        "PATH": os.defpath,
        "ENV_FILE": os.devnull,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DJANGO_SECRET_KEY": "x" * 50,
        "DJANGO_ALLOWED_HOSTS": "localhost",
        "DJANGO_HTTPS": "false",
        "DATABASE_URL": "sqlite://:memory:",
        # The page of what is not there shows no file of ours.
        "DJANGO_DEBUG": "true",
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=project,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.stdout == "404\n", done.stderr


def test_calls_whatsapp_and_mails_are_shown_with_their_codes(client, local_aws, settings):
    settings.LOCAL_MESSAGING_URL = local_aws.url
    call = "This is Phone login. Your sign-in code is: 1 2 3 4 5 6 . Once more: 1 2 3 4 5 6 ."
    mail = {"To": ["ada@example.org"], "Subject": "Your code", "BodyText": "345678 is your code"}
    local_aws.will(
        listing(**{ONE: ["a text"]}),
        Reply(
            {
                "messages": [
                    {"channel": "voice", "to": ONE, "body": call},
                    {"channel": "whatsapp", "to": ONE, "body": "234567 is your verification code."},
                ]
            }
        ),
        Reply({"messages": {"000000000000": [mail]}}),
    )
    page = client.get(INBOX).content.decode().replace("&#43;", "+")
    heads = [f"Call to {ONE}", f"WhatsApp to {ONE}", "E-mail to ada@example.org", f"To {ONE}"]
    assert all(head in page for head in heads)
    assert re.findall('class="fill" value="([0-9]+)"', page) == ["345678", "234567", "123456"]
