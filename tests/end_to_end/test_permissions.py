"""Each statement of each role is needed: without it the flow that it is there for fails."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from accounts.aws import cognito, cognito_values, functions, ledger
from accounts.aws import sms as site_texts
from localcloud import stack
from localcloud.cloud import SITE_USER, Cloud
from tests.codes import code_in
from tests.lambdas.template import RESOURCES

pytestmark = pytest.mark.cloud

FUNCTIONS = {
    "CreateAuthChallenge": "phone-login-create-local",
    "VerifyAuthChallengeResponse": "phone-login-verify-local",
    "ManageLedger": "phone-login-ledger-local",
    "SiteTexts": "phone-login-texts-local",
}
CALLED_BY_COGNITO = ("CreateAuthChallenge", "VerifyAuthChallengeResponse")
DENIED = (cognito.CognitoError, functions.FunctionError)


def sids(logical_id: str) -> Iterator[str]:
    """The statements that a function's role has where texts go through SNS."""
    for policy in RESOURCES[logical_id]["Properties"].get("Policies", []):
        for statement in policy["Statement"]:
            condition, value, _ = statement.get("Fn::If", [None, statement, None])
            if condition in (None, "TextsThroughSns"):
                yield value["Sid"]


def web_tier_sids() -> list[str]:
    document = RESOURCES["WebTierPolicy"]["Properties"]["PolicyDocument"]
    return [statement["Sid"] for statement in document["Statement"]]


@pytest.fixture
def clients(cloud) -> Callable[[str], Any]:
    return lambda service: cloud.root_session().client(service, endpoint_url=cloud.emulator.url)


@pytest.fixture
def cold_start(clients) -> Callable[..., None]:
    """``cold_start(*functions)``: let processes be called that remember nothing of before."""
    functions = clients("lambda")

    def restart(*logical_ids: str) -> None:
        for logical_id in logical_ids:
            name = FUNCTIONS[logical_id]
            memory = functions.get_function_configuration(FunctionName=name)["MemorySize"]
            functions.update_function_configuration(FunctionName=name, MemorySize=memory + 1)
            if logical_id in CALLED_BY_COGNITO:
                version = functions.publish_version(FunctionName=name)["Version"]
                functions.update_alias(FunctionName=name, Name="live", FunctionVersion=version)

    return restart


@pytest.fixture
def sign_in(on_cloud, settings, clients, phone, texts) -> Callable[..., None]:
    """Everything that the site ever asks of AWS, as the site; raises where any of it is denied.

    ``sign_in(operators=False)`` leaves out what operators alone order.
    """
    settings.LEDGER_FUNCTION = on_cloud.outputs["LedgerFunction"]
    settings.TEXTS_FUNCTION = on_cloud.outputs["TextsFunction"]

    def run(*, operators: bool = True) -> None:
        functions._client.cache_clear()
        gateway = cognito.gateway()
        created = gateway.create_user(phone)
        assert created
        gateway.find_user(phone)
        challenge = gateway.start_challenge(phone)
        outcome = gateway.answer_challenge(challenge, code_in(texts(phone)[-1]))
        assert isinstance(outcome, cognito_values.Tokens)
        cognito.site_gateway().sign_in_proven(created.sub, methods=("hwk", "mfa", "user"))
        gateway.mark_phone_verified(created.sub)
        gateway.set_locale(created.sub, "de")
        gateway.read_user(created.sub)
        assert gateway.groups_of(created.sub) == set()
        prove_another_number(created.sub, f"{phone[:-1]}5", texts)
        sign_up_elsewhere(on_cloud, clients("cognito-idp"), unconfirmed := f"{phone[:-1]}4")
        gateway.repair(unconfirmed)
        gateway.change_phone(created.sub, f"{phone[:-1]}3", verified=True)
        gateway.sign_out_everywhere(created.sub)
        if operators:
            assert ledger.show(phone).sends_last_hour == 1
            ledger.unlock(phone)
            ledger.overview(1)
            run_account(gateway, created.sub)

    return run


def prove_another_number(sub: str, phone: str, texts: Any) -> None:
    proof = site_texts.prove(phone, user_sub=sub, language="en")
    code = code_in(texts(phone)[-1])
    given = {"challenge_id": proof.challenge_id, "expires_at": proof.expires_at}
    assert site_texts.check(phone, user_sub=sub, code=code, **given)


def run_account(gateway: cognito.Gateway, sub: str) -> None:
    assert gateway.list_users()[0]
    gateway.disable(sub)
    gateway.enable(sub)
    gateway.delete(sub)


def sign_up_elsewhere(cloud: Cloud, api: Any, phone: str) -> None:
    pool = cloud.outputs["CognitoUserPoolId"]
    before = api.describe_user_pool(UserPoolId=pool)["UserPool"]["LambdaConfig"]
    client = api.create_user_pool_client(UserPoolId=pool, ClientName="other")["UserPoolClient"]
    try:
        api.update_user_pool(
            UserPoolId=pool,
            LambdaConfig={name: arn for name, arn in before.items() if name != "PreSignUp"},
        )
        api.sign_up(ClientId=client["ClientId"], Username=phone, Password="Aa1!" * 4)
    finally:
        api.update_user_pool(UserPoolId=pool, LambdaConfig=before)
        api.delete_user_pool_client(UserPoolId=pool, ClientId=client["ClientId"])


def test_flow_succeeds_with_all_statements(cold_start, sign_in):
    cold_start(*FUNCTIONS)
    sign_in()


@pytest.mark.parametrize(
    ("function", "sid"), [(name, sid) for name in FUNCTIONS for sid in sids(name)]
)
def test_flow_fails_without_a_statement_of_a_functions_role(
    clients, cold_start, sign_in, function, sid
):
    iam = clients("iam")
    resources = clients("cloudformation").describe_stack_resources(StackName=stack.STACK)
    role = {
        one["LogicalResourceId"]: one["PhysicalResourceId"] for one in resources["StackResources"]
    }[f"{function}Role"]
    name, whole = role_policy(iam, role)
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=without(whole, sid))
    try:
        cold_start(function)
        with pytest.raises((*DENIED, IndexError)):
            sign_in()
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(whole))
        cold_start(function)


@pytest.mark.parametrize("sid", web_tier_sids())
def test_flow_fails_without_a_statement_of_the_sites_policy(clients, sign_in, on_cloud, sid):
    iam, arn = clients("iam"), on_cloud.outputs["WebTierPolicyArn"]
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    whole = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    rest = {"UserName": SITE_USER, "PolicyName": "rest"}
    iam.put_user_policy(**rest, PolicyDocument=without(whole, sid))
    iam.detach_user_policy(UserName=SITE_USER, PolicyArn=arn)
    try:
        with pytest.raises(DENIED):
            sign_in()
    finally:
        iam.attach_user_policy(UserName=SITE_USER, PolicyArn=arn)
        iam.delete_user_policy(**rest)


def test_site_without_the_admin_signs_people_in_and_does_no_operators_act(
    clients, sign_in, on_cloud
):
    iam, outputs = clients("iam"), on_cloud.outputs
    iam.attach_user_policy(UserName=SITE_USER, PolicyArn=outputs["SignInPolicyArn"])
    iam.detach_user_policy(UserName=SITE_USER, PolicyArn=outputs["WebTierPolicyArn"])
    try:
        sign_in(operators=False)
        gateway, nobody = cognito.gateway(), "+12015550100"
        for act in (gateway.disable, gateway.enable, gateway.delete):
            with pytest.raises(cognito.Misconfigured, match="AccessDenied"):
                act(nobody)
        with pytest.raises(cognito.Misconfigured, match="AccessDenied"):
            gateway.add_to_group(nobody, "editors")
        with pytest.raises(cognito.Misconfigured, match="AccessDenied"):
            gateway.list_users()
        with pytest.raises(functions.FunctionError):
            ledger.show(nobody)
    finally:
        iam.attach_user_policy(UserName=SITE_USER, PolicyArn=outputs["WebTierPolicyArn"])
        iam.detach_user_policy(UserName=SITE_USER, PolicyArn=outputs["SignInPolicyArn"])


# A pool of numbers that another account shares with ours.
SHARED = "arn:aws:sms-voice:us-east-1:111111111111:pool/p-1"


@pytest.mark.parametrize(
    ("function", "sid", "action", "resource"),
    [
        ("create", "TextThroughEndUserMessaging", "sms-voice:SendTextMessage", SHARED),
        ("texts", "TextThroughEndUserMessaging", "sms-voice:SendTextMessage", SHARED),
        ("create", "TextThroughEndUserMessaging", "sms-voice:SendTextMessage", "*"),
        ("texts", "TextThroughEndUserMessaging", "sms-voice:SendTextMessage", "*"),
        ("create", "TextThroughEndUserMessaging", "sms-voice:SendTextMessage", "phone-number/p-1"),
        ("create", "TextThroughPinpoint", "mobiletargeting:SendMessages", "apps/1"),
        ("verify", "ReportUsedCodes", "sms-voice:PutMessageFeedback", "message/m-1"),
        ("texts", "TextThroughEndUserMessaging", "sms-voice:SendTextMessage", "phone-number/p-1"),
        ("texts", "TextThroughPinpoint", "mobiletargeting:SendMessages", "apps/1"),
        ("texts", "ReportUsedCodes", "sms-voice:PutMessageFeedback", "message/m-1"),
    ],
)
def test_role_of_another_sender_may_text_through_it_and_not_without_its_statement(
    every_sender, function, sid, action, resource
):
    """The local AWS has neither service, so its IAM is asked what it would allow."""
    iam, whole = every_sender(function)
    arn = resource
    if "/" in resource and not resource.startswith("arn:"):
        arn = f"arn:aws:{action.partition(':')[0]}:us-east-1:000000000000:{resource}"

    def decision(document: str) -> str:
        results = iam.simulate_custom_policy(
            PolicyInputList=[document], ActionNames=[action], ResourceArns=[arn]
        )["EvaluationResults"]
        return str(results[0]["EvalDecision"])

    assert decision(json.dumps(whole)) == "allowed"
    assert decision(without(whole, sid)) == "implicitDeny"


@pytest.fixture(scope="module")
def every_sender(tmp_path_factory) -> Iterator[Callable[[str], tuple[Any, dict[str, Any]]]]:
    """``every_sender("create")``: IAM, and what a function may do in a stack with all senders."""
    parameters = {"SmsSenders": "end_user_messaging,pinpoint,sns", "EumMessageFeedback": "true"}
    with Cloud(tmp_path_factory.mktemp("senders"), parameters=parameters) as cloud:
        session, url = cloud.root_session(), cloud.emulator.url
        functions = session.client("lambda", endpoint_url=url)
        iam = session.client("iam", endpoint_url=url)

        def policy(name: str) -> tuple[Any, dict[str, Any]]:
            function = functions.get_function_configuration(
                FunctionName=f"phone-login-{name}-local"
            )
            return iam, role_policy(iam, function["Role"].rpartition("/")[2])[1]

        yield policy


def role_policy(iam: Any, role: str) -> tuple[str, dict[str, Any]]:
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    return name, iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]


def without(document: dict[str, Any], sid: str) -> str:
    rest = copy.deepcopy(document)
    rest["Statement"] = [one for one in document["Statement"] if one["Sid"] != sid]
    assert len(rest["Statement"]) == len(document["Statement"]) - 1
    return json.dumps(rest)
