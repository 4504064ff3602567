"""``python -m localcloud [--port N] [--state DIR]``: the local AWS and the site, until Ctrl-C."""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import requests

from lambdas.triggers import plans
from lambdas.triggers.environment import WrongEnvironment
from localcloud import LocalCloudError, preflight, with_parent
from localcloud.cloud import PROJECT, Cloud
from localcloud.unsent import Unsent
from localcloud.warm_up import LONGEST, warm_up

SITE_START_TIMEOUT = 30.0
STOP_TIMEOUT = 10.0
# The widest limits: developers type the same number all day, and no text costs money.
GENEROUS = {
    "SendsPerPhoneHour": "20",
    "SendsPerPhoneDay": "50",
    "SendsPerBlockHour": "10000",
    "SendsPerUnusedBlockHour": "10000",
    "SendsPerCountryHour": "1000000",
    "SendsPerPoolHour": "1000000",
    "SendsPerPoolDay": "10000000",
    "DollarsPerPoolHour": "1000000",
    "DollarsPerPoolDay": "10000000",
    "FailuresPerPool5Minutes": "10000",
}
# All ways of a code, to be tried.
EVERY_CHANNEL = {
    "VoiceSenders": "end_user_messaging",
    "VoiceOriginationIdentity": "+12015550100",
    "WhatsappNumberId": "phone-number-id-local",
    "WhatsappTemplate": "sign_in_code",
    "EmailSender": "login@example.com",
}


class Stopped(BaseException):
    """A signal asked the process to end. Not an Exception: botocore would retry after it."""


def main() -> int:
    """Run until a signal. Returns 0, or 1 with a message on stderr."""
    parser = argparse.ArgumentParser(prog="python -m localcloud", description=__doc__)
    parser.add_argument("--port", type=int, default=8000, help="port of the site (8000)")
    parser.add_argument("--state", type=Path, default=PROJECT / ".local", help="where state lives")
    parser.add_argument(
        "--public-client", action="store_true", help="also make a client for apps, without a secret"
    )
    parser.add_argument(
        "--sign-in-plan", default="code", help='the steps of a sign-in, such as "password code"'
    )
    options = parser.parse_args()
    _on_signal(_stop)
    _stay_on_this_machine()
    try:
        run(
            options.port,
            options.state,
            has_public_client=options.public_client,
            sign_in_plan=options.sign_in_plan,
        )
    except LocalCloudError as error:
        print(f"make run: {error}", file=sys.stderr)
        return 1
    except Stopped:
        # Python removes handlers while it ends, and a signal would then kill it.
        _on_signal(signal.SIG_IGN)
        print("\nStopped; users and texts are kept in", options.state)
    return 0


def run(
    port: int, state: Path, *, has_public_client: bool = False, sign_in_plan: str = "code"
) -> None:
    """Run until a signal. Raises LocalCloudError, or Stopped; nothing is left running."""
    state.mkdir(parents=True, exist_ok=True)
    with preflight.alone(state) as lock:
        preflight.refuse_taken_port(port)
        print("Starting the local AWS and deploying lambdas/template.yaml …", flush=True)
        parameters = (
            GENEROUS
            | EVERY_CHANNEL
            | {
                "PublicClient": str(has_public_client).lower(),
                "SignInPlan": _checked(sign_in_plan),
            }
        )
        with Cloud(state, parameters=parameters) as cloud:
            environment = {
                **os.environ,
                **cloud.environment,
                "ENV_FILE": os.devnull,
                "DJANGO_SETTINGS_MODULE": "localcloud.settings",
            }
            warming = threading.Thread(target=warm_up, args=[cloud], daemon=True)
            warming.start()
            manage = [sys.executable, str(PROJECT / "manage.py")]
            migrated = subprocess.run(
                [*manage, "migrate", "--verbosity", "0"], env=environment, check=False
            )
            if migrated.returncode:
                raise LocalCloudError("The database could not be migrated; see above")
            with _site([*manage, "runserver", f"127.0.0.1:{port}"], environment) as site:
                _wait_until_up(site, port)
                warming.join(LONGEST)
                lock.write(f"http://localhost:{port}/")
                lock.flush()
                print(
                    f"\n  Site    http://localhost:{port}/"
                    f"\n  Inbox   http://localhost:{port}/local/inbox/   texts arrive here"
                    f"\n  Admin   http://localhost:{port}/admin/   after: make admin PHONE=+1…"
                    '\n  AWS     make aws ARGS="cognito-idp list-users '
                    f'--user-pool-id {cloud.outputs["CognitoUserPoolId"]}"'
                    f"{_passwords(cloud)}{_apps(cloud)}"
                    "\n\nReady. Ctrl-C ends everything.",
                    flush=True,
                )
                _watch(cloud, site)


def _checked(sign_in_plan: str) -> str:
    """Return the plan, which the functions can read. Raises LocalCloudError."""
    try:
        plans.parse(sign_in_plan)
    except WrongEnvironment as error:
        raise LocalCloudError(str(error)) from error
    return sign_in_plan


def _passwords(cloud: Cloud) -> str:
    """Return the line about passwords, where a sign-in begins with one."""
    asks = cloud.environment["ACCOUNTS_SIGN_IN_PLAN"].startswith(plans.PASSWORD)
    return "\n  Users   with a password: docs/configuration.md#a-password-first" if asks else ""


def _apps(cloud: Cloud) -> str:
    """Return the line about the public client, where there is one."""
    client = cloud.environment.get("COGNITO_PUBLIC_CLIENT_ID")
    return f"\n  Apps    client {client} at {cloud.emulator.url}" if client else ""


def _stay_on_this_machine() -> None:
    """Forget the developer's AWS settings and proxies, for the site as well."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"


def _on_signal(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handler)


def _stop(number: int, frame: FrameType | None) -> None:
    # Once is enough: a second Ctrl-C must not tear the clean-up apart. Not yet SIG_IGN: of a
    # signal that has come already and is then ignored, Python complains with a traceback.
    _on_signal(_stop_already)
    raise Stopped


def _stop_already(number: int, frame: FrameType | None) -> None:
    pass


def _is_asked_to_stop() -> bool:
    return signal.getsignal(signal.SIGTERM) is _stop_already


@contextlib.contextmanager
def _site(command: list[str], environment: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    # A session of its own: the reloader's child must end as well, and Ctrl-C is ours to handle.
    whole = with_parent.command(command)
    process = subprocess.Popen(whole, env=environment, start_new_session=True)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_until_up(site: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + SITE_START_TIMEOUT
    while site.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(requests.RequestException):
            if requests.get(f"http://127.0.0.1:{port}/healthz", timeout=2).ok:
                return
        time.sleep(0.1)
    raise LocalCloudError("The site did not start; see above")


def _watch(cloud: Cloud, site: "subprocess.Popen[bytes]") -> None:
    unsent = Unsent(cloud)
    while True:
        if _is_asked_to_stop():
            # Python drops what a signal raises in the midst of a finalizer.
            raise Stopped
        for line in unsent.news():
            print(line, flush=True)
        if not cloud.emulator.is_running():
            raise LocalCloudError(f"The local AWS died: {cloud.emulator.last_words()}")
        if site.poll() is not None:
            raise LocalCloudError(f"The site ended with status {site.returncode}")
        time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
