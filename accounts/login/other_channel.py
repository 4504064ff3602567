"""The code under way by another channel than a text: a call, WhatsApp, a mail.

The triggers send it, within the limits of a text, and the flow at Cognito goes on as it is: what
fails here costs no sign-in.
"""

import time
from dataclasses import replace
from typing import Any, Protocol

from django.http import HttpRequest

from accounts.aws import functions
from accounts.aws.challenges import CodeChallenge
from accounts.login import code_flow, throttle
from accounts.login.attempt_steps import step, unavailable, within_limits
from accounts.login.errors import NextStep, TooSoon
from accounts.login.flow import Flow, Texted


class ChannelFlow(Flow[Any, Any], Protocol):
    """A flow whose code can come by other channels."""

    def send_by(
        self, request: HttpRequest, phone: str, challenge: CodeChallenge, channel: str
    ) -> CodeChallenge:
        """Have the code sent by ``channel``. Raises FunctionError."""


def send(flow: ChannelFlow, request: HttpRequest, channel: str) -> Texted:
    """Send the code of the attempt under way by ``channel``.

    Raises NothingPending, NextStep where the page does not offer it, TooSoon, TooMany, Unavailable.
    """
    with step(flow.purpose, request, mine=flow.mine) as this:
        waiting = this.required()
        challenge = waiting.code
        if challenge is None or channel not in challenge.channels.split():
            raise NextStep
        wait = waiting.seconds_to_resend()
        if wait and not challenge.is_refused:
            raise TooSoon(wait)
        this.waiting = replace(waiting, texted_at=time.time())
        within_limits("sends", request, reason="network")
        throttle.only_asks(request)
        try:
            sent = flow.send_by(request, waiting.phone, challenge, channel)
        except functions.FunctionError as error:
            raise unavailable(error) from error
        return code_flow.await_code(flow, this, sent, first=False)
