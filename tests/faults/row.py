"""A row of the table: what a person met at a step with a fault, and when they went on."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

import requests

from tests.faults.stage import Person, Stage, reference_in

# The operation of Cognito that a step needs.
ASKS = {"phone": "InitiateAuth", "code": "RespondToAuthChallenge", "resend": "InitiateAuth"}
STEPS = (*ASKS, "page")
_TEXTED_BEFORE = {"phone": 0, "code": 1, "resend": 1, "page": 1}


@dataclass
class Row:
    """``expected`` are the statuses that may come; 0 stands for a connection that ends.

    ``page`` is what the person read at last.
    ``texts`` are those of the step, ``texts_in_all`` those of going on as well. ``lines`` is how
    many lines of the log have the reference on the page. ``then`` is "works", or why the next
    attempt did not, and ``left`` what was left half done.
    """

    fault: str
    step: str
    expected: tuple[int, ...]
    status: int = 0
    seconds: float = 0.0
    texts: int = 0
    texts_in_all: int = 0
    page: str = ""
    reference: str = ""
    lines: int = 0
    then: str = ""
    left: str = ""

    @property
    def name(self) -> str:
        return f"{self.fault}, {self.step}"

    def take(self, stage: Stage, person: Person) -> None:
        """Let the person take the step, and note what it is answered."""
        before = len(person.codes())
        began = time.monotonic()
        try:
            answer = person.take(self.step)
        except requests.ConnectionError:
            self.seconds = time.monotonic() - began
        else:
            self.seconds = time.monotonic() - began
            self.status, self.page = answer.status_code, answer.text
            if self.status == 302:
                self.page = person.browser.get(answer.headers["Location"]).text
        self.texts = len(person.codes()) - before
        if self.status >= 500 and (found := reference_in(self.page)):
            self.reference = found
            self.lines = sum(found in line["message"] for line in stage.site.lines())

    def go_on(self, stage: Stage, person: Person) -> None:
        """Let the person go on without the fault, and look for what was left half done."""
        try:
            self.then = person.go_on(self.step)
        except requests.ConnectionError:
            self.then = "the connection ends"
        self.texts_in_all = len(person.codes()) - _TEXTED_BEFORE[self.step]
        ((accounts, sessions),) = stage.ask(
            "SELECT (SELECT count(*) FROM accounts_user WHERE phone = %s),"
            " (SELECT count(*) FROM accounts_session s JOIN accounts_user u ON u.id = s.user_id"
            " WHERE u.phone = %s AND s.ended_at IS NULL)",
            *(person.phone, person.phone),
        )
        is_whole = (accounts, sessions) == (1, 1)
        self.left = "" if is_whole else f"{accounts} accounts, {sessions} sessions"


def shown(rows: Iterable[Row]) -> str:
    """Return the rows as a table of Markdown."""
    lines = ["| Fault | Step | Status | Seconds | Texts | Then |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {row.fault} | {row.step} | {row.status or 'none'} | {row.seconds:.1f} | {row.texts}"
        f" | {', '.join(each for each in (row.then, row.left) if each)} |"
        for row in rows
    ]
    return "\n".join(lines)
