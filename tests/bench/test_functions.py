import json
import subprocess
import sys

import pytest

from tests.bench import functions, python
from tests.bench.turns import PROJECT

EVENTS = PROJECT / "tests/lambdas/events"


@pytest.mark.programs
@pytest.mark.parametrize("names", [["define_auth_challenge"], [*functions.TRIGGERS.values()]])
def test_an_instance_answers_the_trigger_of_an_event_and_tells_its_cpu(names):
    event = json.loads((EVENTS / "define_first_round.json").read_text())
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.function", str(PROJECT / "lambdas"), *names],
        cwd=PROJECT,
        input=json.dumps(event) + "\n",
        capture_output=True,
        text=True,
        check=True,
    )
    loaded, answered = map(json.loads, done.stdout.splitlines())
    assert 0 < loaded["cpu"] < 30
    assert answered["response"]["challengeName"] == "CUSTOM_CHALLENGE"
    assert answered["cpu"] > 0


@pytest.mark.programs
def test_a_python_that_is_not_there_is_no_failure():
    assert python.described("python-that-nobody-has") == ""
    assert python.described(sys.executable).startswith(f"{sys.version_info[0]}.")
