"""``make bench WHAT=triggers``: what the triggers weigh, and what counting costs a sign-in.

Write units of DynamoDB follow from the sizes of the items that the local AWS returns.

The ledger is compared with triggers that draw, text and compare as ours do and count nothing,
in the same run, each in a local AWS of its own, by turns.
"""

import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from accounts.aws import cognito, cognito_values
from localcloud import inbox, stack
from localcloud.cloud import PROJECT, Cloud
from tests.bench import ledger

ROUNDS = 40
PLAIN = Path(__file__).parent / "plain"


def gateway(cloud: Cloud) -> cognito.Gateway:
    client = cloud.root_session().client("cognito-idp", endpoint_url=cloud.emulator.url)
    return cognito.Gateway(
        client,
        user_pool_id=cloud.environment["COGNITO_USER_POOL_ID"],
        client_id=cloud.environment["COGNITO_CLIENT_ID"],
        client_secret=cloud.environment["COGNITO_CLIENT_SECRET"],
    )


def sign_in(cloud: Cloud, api: cognito.Gateway, phone: str) -> dict[str, float]:
    """Return the milliseconds of each step of a sign-in with one wrong answer."""
    api.create_user(phone)
    took = {}
    started = time.perf_counter()
    challenge = api.start_challenge(phone)
    took["start (Define, Create)"] = time.perf_counter() - started
    code = re.search(r"\d{6}", inbox.texts(cloud.emulator.url, phone)[-1].body)[0]
    started = time.perf_counter()
    challenge = api.answer_challenge(challenge, f"{(int(code) + 1) % 1_000_000:06d}")
    took["wrong code (Verify, Define, Create)"] = time.perf_counter() - started
    started = time.perf_counter()
    assert isinstance(api.answer_challenge(challenge, code), cognito_values.Tokens)
    took["right code (Verify, Define)"] = time.perf_counter() - started
    return {step: seconds * 1000 for step, seconds in took.items()}


def import_milliseconds(module: str) -> float:
    """Return what importing ``module`` adds to a bare interpreter: the best of several runs."""

    def best(statement: str) -> float:
        runs = []
        for _ in range(15):
            started = time.perf_counter()
            subprocess.run([sys.executable, "-IS", "-c", statement], check=True)
            runs.append(time.perf_counter() - started)
        return min(runs) * 1000

    path = f"import sys; sys.path.insert(0, {str(PROJECT / 'lambdas')!r}); "
    return best(path + f"import triggers.{module}") - best(path)


def main() -> None:
    package, _ = stack.package(PROJECT / "lambdas")
    print(f"package: {len(package) / 1000:.1f} kB, without third-party code")
    for module in ("define_auth_challenge", "pre_sign_up"):
        print(f"import {module}: {import_milliseconds(module):.1f} ms over a bare interpreter")
    with tempfile.TemporaryDirectory() as scratch:
        plain_lambdas = Path(scratch) / "lambdas"
        shutil.copytree(PROJECT / "lambdas", plain_lambdas)
        for path in PLAIN.glob("*.py"):
            shutil.copy(path, plain_lambdas / "triggers")
        budgets = {"SendsPerPoolHour": "1000", "SendsPerCountryHour": "1000"}
        with (
            Cloud(Path(scratch) / "ours", parameters=budgets) as ours,
            Cloud(Path(scratch) / "plain", lambdas=plain_lambdas) as plain,
        ):
            dynamodb = ours.root_session().client("dynamodb", endpoint_url=ours.emulator.url)
            ledger.print_units(dynamodb)
            compare(ours, plain)


def compare(ours: Cloud, plain: Cloud) -> None:
    clouds = {"without": plain, "with the ledger": ours}
    apis = {name: gateway(cloud) for name, cloud in clouds.items()}
    for name, cloud in clouds.items():
        sign_in(cloud, apis[name], "+12012000123")  # cold starts
    samples: dict[str, dict[str, list[float]]] = {name: {} for name in clouds}
    for n in range(ROUNDS):
        for name, cloud in clouds.items():
            for step, took in sign_in(cloud, apis[name], f"+1201{201 + n}0123").items():
                samples[name].setdefault(step, []).append(took)
    print(f"\nmedian of {ROUNDS} sign-ins, milliseconds   with the ledger   without   added")
    for step, without_ledger in samples["without"].items():
        without = statistics.median(without_ledger)
        with_ledger = statistics.median(samples["with the ledger"][step])
        print(f"{step:38}{with_ledger:20.1f}{without:10.1f}{with_ledger - without:8.1f}")


if __name__ == "__main__":
    main()
