"""A sign-in at functions that are processes (``function``), asked here what Cognito would ask."""

import json
import subprocess
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localcloud.cloud import PROJECT
from localcloud.emulator import REGION
from tests.bench.turns import Rounds

Event = dict[str, Any]
TRIGGERS = {
    "Define": "define_auth_challenge",
    "Create": "create_auth_challenge",
    "Verify": "verify_auth_challenge_response",
}
COLD, WARM = 5, 40


class Instance:
    """A function's process. ``loading`` is the CPU until it can be called, in seconds."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self._process = subprocess.Popen(
            command,
            cwd=PROJECT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log.open("a"),
            text=True,
        )
        self._log = log
        self.loading: float = self._answer()["cpu"]

    def call(self, event: Event) -> tuple[Event, float]:
        """Return its response, and seconds of CPU."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(event) + "\n")
        self._process.stdin.flush()
        answer = self._answer()
        return answer["response"], answer["cpu"]

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _answer(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(self._log.read_text()[-3000:])
        return json.loads(line)


# What a person answers to a challenge (Create's response): the answer, and the client's metadata.
Answer = Callable[[Event], tuple[str, dict[str, str]]]


@dataclass
class Person:
    phone: str
    sub: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass
class Stage:
    """What is compared. Functions with the same command share an instance.

    ``answers`` are those of one sign-in, a challenge each; ``kilobytes`` is what is deployed.
    """

    commands: dict[str, list[str]]
    environment: dict[str, str]
    answers: Callable[[Person], list[Answer]]
    client: dict[str, str]
    log: Path
    kilobytes: float
    loading: dict[str, list[float]] = field(default_factory=dict)
    first: list[float] = field(default_factory=list)
    later: dict[str, list[float]] = field(default_factory=dict)
    calls: int = 0

    @contextmanager
    def started(self) -> Iterator[dict[str, Instance]]:
        with ExitStack() as stack_:
            by_command: dict[tuple[str, ...], Instance] = {}
            found = {}
            for name, command in self.commands.items():
                key = tuple(command)
                if key not in by_command:
                    by_command[key] = Instance(command, self.environment, self.log)
                    stack_.callback(by_command[key].end)
                    self.loading.setdefault(name, []).append(by_command[key].loading)
                found[name] = by_command[key]
            yield found

    def sign_in(self, instances: dict[str, Instance], person: Person) -> "Counter[str]":
        """Ask what Cognito asks in a sign-in, and return seconds by function."""
        spent: Counter[str] = Counter()
        calls: Counter[str] = Counter()
        history: list[Event] = []

        def ask(name: str, trigger: str, metadata: dict[str, str], **more: Any) -> Event:
            attributes = {
                "sub": person.sub,
                "phone_number": person.phone,
                "phone_number_verified": "true",
                "email": f"{person.sub}@example.com",
            }
            event = {
                "version": "1",
                "region": REGION,
                "userPoolId": self.client["pool"],
                "userName": person.sub,
                "callerContext": {"awsSdkVersion": "unknown", "clientId": self.client["id"]},
                "triggerSource": f"{trigger}_Authentication",
                "request": {"userAttributes": attributes, "clientMetadata": metadata, **more},
                "response": {},
            }
            response, cpu = instances[name].call(event)
            spent[name] += cpu
            calls[name] += 1
            return response

        metadata: dict[str, str] = {}
        for answer in self.answers(person):
            begun = ask("Define", "DefineAuthChallenge", metadata, session=history)
            assert begun["challengeName"] == "CUSTOM_CHALLENGE", begun
            named = {"challengeName": "CUSTOM_CHALLENGE", "session": history}
            made = ask("Create", "CreateAuthChallenge", metadata, **named)
            said, metadata = answer(made)
            verified = ask(
                "Verify",
                "VerifyAuthChallengeResponse",
                metadata,
                privateChallengeParameters=made["privateChallengeParameters"],
                challengeAnswer=said,
            )
            entry = {
                "challengeName": "CUSTOM_CHALLENGE",
                "challengeResult": bool(verified["answerCorrect"]),
                "challengeMetadata": made["challengeMetadata"],
            }
            history = [*history, entry]
        ended = ask("Define", "DefineAuthChallenge", metadata, session=history)
        assert ended["issueTokens"] is True, ended
        self.calls = calls.total()
        return spent


def measure(stages: dict[str, Stage]) -> None:
    """Sign people in by turns: on new instances, then again and again on the same ones."""
    people = (Person(f"+1201{201 + n % 700}{n // 700:02d}23") for n in range(1_000_000))
    for _ in range(COLD):
        for stage in stages.values():
            with stage.started() as instances:
                spent = stage.sign_in(instances, next(people)).total()
                loaded = {id(each): each.loading for each in instances.values()}
                stage.first.append(spent + sum(loaded.values()))
    with ExitStack() as stack_:
        running = {name: stack_.enter_context(stage.started()) for name, stage in stages.items()}
        for name, stage in stages.items():
            stage.sign_in(running[name], next(people))
        for _ in range(WARM):
            for name, stage in stages.items():
                spent_by = stage.sign_in(running[name], next(people))
                for function, cpu in spent_by.items():
                    stage.later.setdefault(function, []).append(cpu)


def table(measured: dict[str, Stage]) -> list[list[str]]:
    """Return the rows of what was measured, the head first."""

    def cells(of: Callable[[Stage], list[float] | None]) -> list[str]:
        taken = [of(stage) for stage in measured.values()]
        return [Rounds(each).shown(1000) if each else "" for each in taken]

    return [
        ["CPU, ms", *measured],
        *([f"loading {name}", *cells(lambda s, n=name: s.loading.get(n))] for name in TRIGGERS),
        ["a first sign-in, loading included", *cells(lambda stage: stage.first)],
        *([f"{name}, later", *cells(lambda s, n=name: s.later[n])] for name in TRIGGERS),
        ["a later sign-in", *cells(later)],
        ["calls of a sign-in", *(str(stage.calls) for stage in measured.values())],
        ["package, kB", *(f"{stage.kilobytes:.0f}" for stage in measured.values())],
    ]


def later(stage: Stage) -> list[float]:
    return [sum(each) for each in zip(*stage.later.values(), strict=True)]
