"""Commands that are killed, or refused, between the two calls that a change of a pool takes."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest
from django.core.management.base import CommandError

from cognito_admin import aws_account, journal
from localcloud.cloud import PROJECT
from tests.cognito_admin.breaking import only
from tests.cognito_admin.conftest import Aws
from tests.cognito_admin.existing_pool import everything
from tests.fakes.cognito_front.front import CognitoFront
from tests.fakes.cognito_front.messages import TARGET, Message, json_reply

pytestmark = pytest.mark.cloud

SECOND = "SetUserPoolMfaConfig"
FIRST = "UpdateUserPool"


class Stopping(CognitoFront):
    """The front, which keeps callers waiting at a call once another went through, or refuses it."""

    def __init__(self, aws: Aws) -> None:
        super().__init__(aws)  # type: ignore[arg-type]
        self.asked: list[str] = []
        self.stopped = threading.Event()
        self._go_on = threading.Event()
        self._at, self._after, self._refuse = "", "", False

    def stop(self, *, at: str, after: str = "", refuse: bool = False) -> None:
        self.asked.clear()
        self.stopped.clear()
        self._go_on.clear()
        self._at, self._after, self._refuse = at, after, refuse

    def go_on(self) -> None:
        self._at = ""
        self._go_on.set()

    def _answer(self, request: Message) -> Message:
        operation = request.header("x-amz-target").removeprefix(TARGET)
        is_due = not self._after or self._after in self.asked
        if operation and operation == self._at and is_due:
            self.stopped.set()
            if not self._refuse:
                self._go_on.wait(60)
            return json_reply({"__type": "InvalidParameterException", "message": "No."}, 400)
        self.asked.append(operation)
        return super()._answer(request)


@pytest.fixture(scope="module")
def front(aws: Aws) -> Iterator[Stopping]:
    with Stopping(aws) as made:
        yield made
        made.go_on()


@pytest.fixture
def kill(as_operator, front, tmp_path) -> Callable[..., None]:
    """``kill("cognito_attach", …)``: run a command, and kill it between the two calls."""

    def run(*arguments: str, at: str = SECOND, after: str = FIRST) -> None:
        front.stop(at=at, after=after)
        with (tmp_path / "said").open("w") as said:
            process = subprocess.Popen(
                [sys.executable, "manage.py", *arguments, "--yes"],
                cwd=PROJECT,
                env={
                    "PATH": os.environ["PATH"],
                    "HOME": "/nonexistent",
                    "NO_PROXY": "*",
                    "ENV_FILE": os.devnull,
                    "DJANGO_SECRET_KEY": "of-no-use-to-these-commands",
                    "AWS_ENDPOINT_URL": front.url,
                    "AWS_REGION": aws_account.configured().region,
                    "AWS_ACCESS_KEY_ID": os.environ["AWS_ACCESS_KEY_ID"],
                    "AWS_SECRET_ACCESS_KEY": os.environ["AWS_SECRET_ACCESS_KEY"],
                },
                stdout=said,
                stderr=subprocess.STDOUT,
            )
        try:
            assert front.stopped.wait(40), (tmp_path / "said").read_text()
        finally:
            process.kill()
            process.wait()
            front.go_on()

    return run


@pytest.fixture
def mfa(aws, pool) -> Callable[[], str]:
    def read() -> str:
        return str(
            aws.client("cognito-idp").get_user_pool_mfa_config(UserPoolId=pool)["MfaConfiguration"]
        )

    return read


def attach(pool: str) -> tuple[str, ...]:
    return ("cognito_attach", "--user-pool-id", pool, "--stage", "local")


def detach(pool: str) -> tuple[str, ...]:
    return ("cognito_detach", "--user-pool-id", pool, "--stage", "local")


def set_to(pool: str, value: str = "DeletionProtection=INACTIVE") -> tuple[str, ...]:
    return ("cognito_set", "--user-pool-id", pool, value)


def examined(run, capsys) -> list[str]:
    """What the doctor says of changes that were cut off."""
    with pytest.raises(CommandError, match="danger"):
        run("cognito_doctor", "--stage", "local", "--without-site", *only("unfinished change"))
    lines = capsys.readouterr().out.splitlines()
    return [line for line in lines if line[12:].startswith("unfinished change")]


@pytest.mark.parametrize(
    ("killed", "following"),
    [(attach, attach), (attach, detach), (detach, detach), (set_to, attach), (set_to, set_to)],
)
def test_factors_that_a_killed_command_switched_off_come_back_with_the_next_command(
    aws, run, pool, kill, mfa, killed, following
):
    if killed is detach:
        run(*attach(pool), "--yes")
    start = everything(aws, pool)
    kill(*killed(pool))
    assert mfa() == "OFF"

    said = run(*following(pool), "--yes")
    assert "~ MfaConfiguration: OFF → OPTIONAL" in said
    assert "Second factors were lost by the run that was begun at" in said
    assert everything(aws, pool)["mfa"] == start["mfa"]
    # The way back leads to the very start.
    run(*set_to(pool, "DeletionProtection=ACTIVE"), "--yes")
    run(*detach(pool), "--yes")
    after = everything(aws, pool)
    assert after["mfa"] == start["mfa"]
    assert "CreateAuthChallenge" not in after["pool"]["LambdaConfig"]
    assert after["pool"]["MfaConfiguration"] == "OPTIONAL"
    assert "unfinished" not in run(*attach(pool), "--dry-run")


def test_doctor_finds_a_killed_command_and_its_remedy_puts_the_factors_back(
    aws, run, pool, kill, mfa, capsys
):
    start = everything(aws, pool)
    kill(*attach(pool))
    (found,) = examined(run, capsys)
    assert found.startswith("danger")
    assert "second factors are OFF and should be OPTIONAL" in found
    remedy = found.partition("Repair: python manage.py ")[2]
    run(*remedy.split(), "--yes")
    assert everything(aws, pool)["mfa"] == start["mfa"]
    assert examined(run, capsys) == ["ok          unfinished change: none"]


def test_nothing_else_is_switched_off_when_all_that_is_left_is_to_put_factors_back(
    run, pool, kill, front
):
    kill(*attach(pool))
    front.asked.clear()
    run(*attach(pool), "--yes")
    assert FIRST not in front.asked


def test_command_that_is_killed_again_loses_nothing(aws, run, pool, kill, mfa):
    start = everything(aws, pool)
    kill(*attach(pool))
    kill(*set_to(pool))
    kill(*detach(pool))
    assert mfa() == "OFF"
    run(*set_to(pool, "DeletionProtection=ACTIVE"), "--yes")
    run(*detach(pool), "--yes")
    assert everything(aws, pool) == start


def test_command_that_is_killed_before_the_first_call_leaves_nothing_to_do(
    run, pool, kill, mfa, capsys
):
    kill(*attach(pool), at=FIRST, after="")
    assert mfa() == "OPTIONAL"
    (found,) = examined(run, capsys)
    assert found.startswith("danger") is False
    assert "LambdaConfig.CreateAuthChallenge" not in run(*detach(pool), "--dry-run")
    run(*attach(pool), "--yes")


def test_factors_that_somebody_has_set_in_another_way_since_stay(aws, run, pool, kill, mfa):
    kill(*attach(pool))
    aws.client("cognito-idp").set_user_pool_mfa_config(
        UserPoolId=pool,
        SoftwareTokenMfaConfiguration={"Enabled": True},
        MfaConfiguration="ON",
    )
    run(*detach(pool), "--yes")
    assert mfa() == "ON"


def test_what_else_differs_since_is_named_with_its_command_and_stays(aws, run, pool, kill, capsys):
    kill(*attach(pool))
    aws.client("cognito-idp").update_user_pool(UserPoolId=pool, DeletionProtection="INACTIVE")
    assert len(examined(run, capsys)) == 2
    said = run(*attach(pool), "--yes")
    assert "DeletionProtection is not as it was before the run" in said
    assert f"cognito_set --user-pool-id {pool} 'DeletionProtection=\"ACTIVE\"'" in said
    assert everything(aws, pool)["pool"]["DeletionProtection"] == "INACTIVE"


def test_gap_without_factors_is_told_before_anybody_says_yes(run, pool, make_pool):
    said = run(*attach(pool), "--dry-run")
    assert "In between, about a second, no sign-in asks for one" in said
    without = make_pool(MfaConfiguration="OFF")
    assert "In between" not in run(*set_to(without), "--dry-run")
    # The switch alone has an operation of its own.
    assert "In between" not in run(*set_to(pool, "MfaConfiguration=ON"), "--dry-run")


@pytest.mark.parametrize("command", [attach, set_to])
def test_operator_who_may_not_put_factors_back_is_stopped_before_the_gap(
    aws, run, pool, front, command
):
    start = everything(aws, pool)
    front.fail(SECOND, "AccessDeniedException")
    front.asked.clear()
    with pytest.raises(CommandError, match="AccessDenied"):
        run(*command(pool), "--yes")
    front.heal()
    assert FIRST not in front.asked
    assert everything(aws, pool) == start


def test_refusal_in_the_gap_says_what_is_open_and_how_to_close_it(aws, run, pool, front, mfa):
    start = everything(aws, pool)
    front.stop(at=SECOND, after=FIRST, refuse=True)
    with pytest.raises(CommandError, match="Second factors were not put back") as error:
        run(*attach(pool), "--yes")
    front.go_on()
    assert "nobody is asked for one. Run the same command again" in str(error.value)
    assert mfa() == "OFF"
    run(*attach(pool), "--yes")
    assert everything(aws, pool)["mfa"] == start["mfa"]


def test_lost_answer_to_the_first_call_is_told_as_a_gap(run, pool, front, mfa):
    front.fail(FIRST, after=True)
    with pytest.raises(CommandError, match="Second factors were not put back"):
        run(*set_to(pool), "--yes")
    front.heal()
    assert mfa() == "OFF"
    run(*set_to(pool), "--yes")
    assert mfa() == "OPTIONAL"


def test_refused_first_call_opens_no_gap(aws, run, pool, front):
    start = everything(aws, pool)
    front.fail(FIRST, "InvalidParameterException")
    with pytest.raises(CommandError, match="InvalidParameter"):
        run(*set_to(pool), "--yes")
    front.heal()
    assert everything(aws, pool) == start


def test_large_pool_is_written_down_whole(aws, run, as_operator, make_pool):
    letter = "".join(f"<p>{os.urandom(8).hex()}</p>" for _ in range(800))
    pool = make_pool(
        VerificationMessageTemplate={
            "DefaultEmailOption": "CONFIRM_WITH_CODE",
            "EmailMessage": letter + "{####}",
            "EmailSubject": "Code",
        }
    )
    operator = aws_account.configured()
    described = everything(aws, pool)["pool"]
    mfa = {"MfaConfiguration": "OFF"}
    journal.begin(operator, described, mfa, described, mfa)
    stored = aws.client("ssm").get_parameters_by_path(Path=f"/phone-login/changing/{pool}/")
    sizes = [len(one["Value"]) for one in stored["Parameters"]]
    assert len(sizes) > 2
    assert max(sizes) <= 4096
    entry = journal.read(operator, pool)
    assert entry.before["VerificationMessageTemplate"] == described["VerificationMessageTemplate"]
    assert "Nothing to change" in run(*set_to(pool, "DeletionProtection=ACTIVE"), "--yes")
    stored = aws.client("ssm").get_parameters_by_path(Path=f"/phone-login/changing/{pool}/")
    assert stored["Parameters"] == []


def test_change_that_did_not_come_true_is_told(aws, run, pool, settings):
    """The bare local AWS keeps what an update leaves out."""
    aws.client("cognito-idp").update_user_pool(UserPoolId=pool, LambdaConfig={})
    run(*attach(pool), "--yes")
    settings.AWS_ENDPOINT_URL = aws.emulator.url
    with pytest.raises(CommandError, match="did not make it") as error:
        run(*detach(pool), "--yes")
    assert "- LambdaConfig.CreateAuthChallenge" in str(error.value)
    # The way back is still there.
    assert "- LambdaConfig.CreateAuthChallenge" in run(*detach(pool), "--dry-run")


def test_change_of_a_client_that_did_not_come_true_is_told(aws, run, make_pool, settings):
    pool = make_pool()
    made = aws.client("cognito-idp").create_user_pool_client(
        UserPoolId=pool, ClientName="app", CallbackURLs=["https://example.com/callback"]
    )
    client = made["UserPoolClient"]["ClientId"]
    settings.AWS_ENDPOINT_URL = aws.emulator.url
    with pytest.raises(CommandError, match="did not make it:\n- CallbackURLs"):
        run(*set_to(pool, "CallbackURLs=null"), "--client-id", client, "--yes")
