"""How long ago something was, in words that fit into a sentence of each language."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone, translation

from accounts.templatetags.ago import ago


@pytest.mark.parametrize(
    ("language", "passed", "words"),
    [
        ("en", timedelta(seconds=59), "a moment ago"),
        ("en", timedelta(seconds=60), "1 minute ago"),
        ("en", timedelta(hours=23), "23 hours ago"),
        ("de", timedelta(days=3), "vor 3 Tagen"),
        ("pt-br", timedelta(days=3), "há 3 dias"),
        ("ar", timedelta(hours=2), "قبل ساعتين"),
        ("ja", timedelta(minutes=5), "5 分前"),
    ],
)
def test_time_passed_is_said_as_people_say_it(language, passed, words):
    now = timezone.now()
    with time_machine.travel(now, tick=False), translation.override(language):
        assert ago(now - passed) == words
