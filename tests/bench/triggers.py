"""``make bench WHAT=triggers``: the CPU of the triggers, and what counting costs a sign-in.

The ledger is compared with triggers that draw, text and compare as ours do and count nothing,
in the same run, each in a local AWS of its own, by turns. The functions are compared with one
function for all of them, and with AWS's sample (``function_stages``), which needs Node.

Printed is the bill of AWS, too: write units of DynamoDB follow from the sizes of the items that the
local AWS returns.
"""

import re
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from accounts.aws import cognito, cognito_values
from localcloud import inbox
from localcloud.cloud import PROJECT, Cloud
from tests.bench import function_stages, functions, ledger, report
from tests.bench.report import Section
from tests.bench.turns import Rounds

ROUNDS = 40
PLAIN = Path(__file__).parent / "plain/code.py"
TEXT = (
    "Functions in processes of their own, asked what Cognito asks in a sign-in with a right code;"
    " DynamoDB, SNS, SES and KMS are the local AWS. A first sign-in meets new instances, ours"
    f" without bytecode, as they are deployed. {functions.COLD} first sign-ins and"
    f" {functions.WARM} later ones, by turns. AWS's sample is deployed as its own construct does:"
    " a text as a second step, whose code is counted nowhere and whose answer needs a token of an"
    " earlier sign-in, and a link by mail, signed by KMS and kept in DynamoDB. Packages are without"
    " the SDK, which Lambda has. On AWS ours run on Python 3.13 and the sample on Node 22, both on"
    " arm64.\n\n"
    "Later sign-ins differ by what is counted: ours write to DynamoDB seven times, the sample's"
    " text never, its link twice. One function for all of ours would load boto3 once instead of"
    " twice, which is felt after a quiet time only. It would have the rights of all of them, so"
    " that somebody who gets into the code that reads answers could send texts.\n\n"
    f"Below, {ROUNDS} sign-ins with one wrong answer through the local Cognito, by turns: with the"
    " ledger, and with triggers that count nothing."
)


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


def measure() -> Section:
    with tempfile.TemporaryDirectory(prefix="bench-") as made:
        scratch = Path(made)
        plain_lambdas = scratch / "lambdas"
        shutil.copytree(PROJECT / "lambdas", plain_lambdas)
        shutil.copy(PLAIN, plain_lambdas / "triggers/kinds")
        many = {f"Sends{what}": "100000" for what in ("PerPoolHour", "PerPoolDay")}
        many["SendsPerCountryHour"] = "100000"
        with (
            Cloud(scratch / "ours", parameters=many) as ours,
            Cloud(scratch / "plain", lambdas=plain_lambdas) as plain,
        ):
            with function_stages.running(ours, scratch) as stages:
                functions.measure(stages)
            dynamodb = ours.root_session().client("dynamodb", endpoint_url=ours.emulator.url)
            ledger.print_units(dynamodb)
            counted = compare(ours, plain)
    mine = stages["ours"]
    ratios = {}
    for name, stage in stages.items():
        if stage is not mine:
            ratios[f"CPU of a first sign-in to {name}"] = Rounds(mine.first) / Rounds(stage.first)
            ratios[f"CPU of a later sign-in to {name}"] = Rounds(functions.later(mine)) / Rounds(
                functions.later(stage)
            )
    return Section(
        "triggers",
        "The triggers",
        TEXT,
        [functions.table(stages), counted],
        ratios=ratios,
        versions=f", Node {_version_of_node()}, amazon-cognito-passwordless-auth"
        f" {function_stages.version_of_sample()}",
    )


def compare(ours: Cloud, plain: Cloud) -> list[list[str]]:
    """Return the rows of sign-ins with and without the ledger, the head first."""
    clouds = {"without": plain, "with the ledger": ours}
    apis = {name: gateway(cloud) for name, cloud in clouds.items()}
    for name, cloud in clouds.items():
        sign_in(cloud, apis[name], "+12012000123")  # cold starts
    samples: dict[str, dict[str, list[float]]] = {name: {} for name in clouds}
    for n in range(ROUNDS):
        for name, cloud in clouds.items():
            for step, took in sign_in(cloud, apis[name], f"+1202{201 + n}0123").items():
                samples[name].setdefault(step, []).append(took)
    rows = [["until Cognito answers, ms", "with the ledger", "without", "added"]]
    for step, without_ledger in samples["without"].items():
        without = statistics.median(without_ledger)
        with_ledger = statistics.median(samples["with the ledger"][step])
        figures = (with_ledger, without, with_ledger - without)
        rows.append([step, *(f"{each:.1f}" for each in figures)])
    return rows


def _version_of_node() -> str:
    asked = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    return asked.stdout.strip().removeprefix("v")


def main() -> None:
    report.keep(measure())


if __name__ == "__main__":
    main()
