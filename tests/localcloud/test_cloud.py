"""What the site is handed: an environment file that is enough, and a key that is not too much."""

import os
import re
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
import requests
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from localcloud import LocalCloudError, inbox, preflight
from localcloud.cloud import SITE_USER, Cloud
from localcloud.emulator import REGION
from tests.localcloud import processes
from tests.localcloud.processes import needs_proc

pytestmark = pytest.mark.cloud

DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError"}
# Healthy, and then of no use.
HOLLOW = """#!{python}
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/_ministack/health" else 403)
        self.send_header("content-length", "0")
        self.end_headers()

    do_PUT = do_POST = do_GET

HTTPServer(("127.0.0.1", int(os.environ["GATEWAY_PORT"])), Handler).serve_forever()
"""


def read_env_file(cloud: Cloud) -> dict[str, str]:
    lines = (cloud.state_dir / "env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


@pytest.fixture(scope="module")
def site_key(cloud: Cloud) -> boto3.Session:
    """A session with what the environment file says, and nothing else."""
    environment = read_env_file(cloud)
    return boto3.Session(
        environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"], region_name=REGION
    )


def refusal(client, operation: str, **arguments: object) -> str:
    """The error code of a call, or "" where it is done."""
    try:
        getattr(client, operation)(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return ""


@pytest.mark.parametrize("name", ["aws-config", "env", "secret-key"])
def test_files_with_secrets_are_for_their_owner_alone(cloud, name):
    assert stat.S_IMODE((cloud.state_dir / name).stat().st_mode) == 0o600


def test_env_file_holds_all_that_the_site_needs(cloud):
    environment = read_env_file(cloud)
    assert environment == cloud.environment
    assert environment["AWS_ENDPOINT_URL"] == cloud.emulator.url
    assert environment["AWS_REGION"] == REGION
    assert environment["COGNITO_USER_POOL_ID"] == cloud.outputs["CognitoUserPoolId"]
    assert environment["COGNITO_CLIENT_ID"] == cloud.outputs["CognitoClientId"]
    for name in ("COGNITO_CLIENT_SECRET", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        assert len(environment[name]) > 15
    assert cloud.emulator.root_key.id != environment["AWS_ACCESS_KEY_ID"]
    assert cloud.emulator.root_key.secret not in environment.values()
    assert requests.get(environment["COGNITO_JWKS_URL"], timeout=5).json()["keys"]


def test_public_client_comes_and_goes_with_its_parameter_and_signs_in_without_a_secret(tmp_path):
    phone = "+12015550123"
    with Cloud(tmp_path, parameters={"PublicClient": "true"}) as cloud:
        client_id = read_env_file(cloud)["COGNITO_PUBLIC_CLIENT_ID"]
        assert client_id != cloud.environment["COGNITO_CLIENT_ID"]
        cloud.root_session().client(
            "cognito-idp", endpoint_url=cloud.emulator.url
        ).admin_create_user(
            UserPoolId=cloud.outputs["CognitoUserPoolId"],
            Username=phone,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": "phone_number", "Value": phone}],
        )
        # As an app does: no key of AWS, no secret of the client.
        app = boto3.client(
            "cognito-idp",
            region_name=REGION,
            endpoint_url=cloud.emulator.url,
            config=Config(signature_version=UNSIGNED),
        )
        started = app.initiate_auth(
            ClientId=client_id,
            AuthFlow="CUSTOM_AUTH",
            AuthParameters={"USERNAME": phone},
        )
        [text] = inbox.texts(cloud.emulator.url, phone)
        done = app.respond_to_auth_challenge(
            ClientId=client_id,
            ChallengeName="CUSTOM_CHALLENGE",
            Session=started["Session"],
            ChallengeResponses={
                "USERNAME": started["ChallengeParameters"].get("USERNAME", phone),
                "ANSWER": text.code,
            },
        )
        assert done["AuthenticationResult"]["IdToken"]
    with Cloud(tmp_path) as cloud:
        assert "COGNITO_PUBLIC_CLIENT_ID" not in read_env_file(cloud)


def test_env_file_is_enough_for_another_process(cloud, phone, project):
    def manage(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, "-W", "error", "manage.py", *command],
            cwd=project,
            env={"PATH": os.defpath, "ENV_FILE": str(cloud.state_dir / "env")},
            check=False,
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    manage("migrate", "--verbosity", "0")
    assert "is an operator" in manage("make_admin", phone)
    with sqlite3.connect(cloud.state_dir / "db.sqlite3") as database:
        query = "SELECT sub, is_staff, is_superuser FROM accounts_user WHERE phone = ?"
        [(sub, *rights)] = database.execute(query, [phone])
    database.close()
    assert rights == [1, 1]
    client = cloud.root_session().client("cognito-idp", endpoint_url=cloud.emulator.url)
    user = client.admin_get_user(UserPoolId=cloud.outputs["CognitoUserPoolId"], Username=phone)
    assert {"Name": "sub", "Value": sub} in user["UserAttributes"]


LIST_BUCKETS = """
import boto3
for bucket in boto3.client("s3").list_buckets()["Buckets"]:
    print(bucket["Name"])
"""


def test_awss_own_tools_work_as_root_with_the_configuration(cloud):
    done = subprocess.run(
        [sys.executable, "-c", LIST_BUCKETS],
        env={"PATH": os.defpath, "AWS_CONFIG_FILE": str(cloud.state_dir / "aws-config")},
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    # Other tests deploy to the same local AWS, from buckets of their own.
    assert "phone-login-local-code" in done.stdout.splitlines()
    assert done.stderr == ""


def test_make_aws_asks_the_local_aws_whatever_the_developers_settings_are(cloud, phone, project):
    """With the key of root: the site's own may not list groups."""
    if not (project / ".local" / "aws-venv" / ".installed").exists():
        pytest.skip("The AWS CLI is not installed; make aws installs it")
    pool = cloud.outputs["CognitoUserPoolId"]
    root = cloud.root_session().client("cognito-idp", endpoint_url=cloud.emulator.url)
    root.admin_create_user(UserPoolId=pool, Username=phone, MessageAction="SUPPRESS")
    (cloud.state_dir / "aws-venv").symlink_to(project / ".local" / "aws-venv")
    asked = f"cognito-idp admin-get-user --user-pool-id {pool} --username {phone}"
    with preflight.alone(cloud.state_dir) as lock:
        lock.write("http://localhost:8000/")
        lock.flush()
        done = subprocess.run(
            [
                *(
                    "make",
                    f"STATE={cloud.state_dir}",
                    "-o",
                    f"{cloud.state_dir}/aws-venv/.installed",
                ),
                *("aws", f"ARGS={asked} --query Enabled"),
            ],
            cwd=project,
            env={
                "PATH": os.environ["PATH"],
                "AWS_PROFILE": "of-the-developer",
                "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
                "AWS_ACCESS_KEY_ID": "of-the-developer",
            },
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert (done.returncode, done.stdout.strip()) == (0, "true"), done.stderr


def test_site_key_may_do_all_that_the_template_says(cloud, site_key, phone, project):
    pool, app = cloud.outputs["CognitoUserPoolId"], cloud.outputs["CognitoClientId"]
    user = {"UserPoolId": pool, "Username": phone}
    calls = {
        "AdminCreateUser": user | {"MessageAction": "SUPPRESS"},
        "AdminGetUser": user,
        "AdminInitiateAuth": {
            "UserPoolId": pool,
            "ClientId": app,
            "AuthFlow": "CUSTOM_AUTH",
            "AuthParameters": {"USERNAME": phone, "SECRET_HASH": "wrong"},
        },
        "AdminRespondToAuthChallenge": {
            "UserPoolId": pool,
            "ClientId": app,
            "ChallengeName": "CUSTOM_CHALLENGE",
            "ChallengeResponses": {"USERNAME": phone, "ANSWER": "0", "SECRET_HASH": "wrong"},
            "Session": "x" * 20,
        },
        "AdminUpdateUserAttributes": user | {"UserAttributes": [{"Name": "locale", "Value": "en"}]},
        "AdminSetUserPassword": user | {"Password": "Aa1!" * 5, "Permanent": True},
        "AdminConfirmSignUp": user,
        "AdminUserGlobalSignOut": user,
        "AdminAddUserToGroup": user | {"GroupName": "editors"},
        "AdminDisableUser": user,
        "AdminEnableUser": user,
        "AdminListGroupsForUser": user,
        "AdminRemoveUserFromGroup": user | {"GroupName": "editors"},
        "ListUsers": {"UserPoolId": pool},
        "AdminDeleteUser": user,
    }
    template = (project / "lambdas" / "template.yaml").read_text()
    assert calls.keys() == set(re.findall(r"- cognito-idp:(\w+)", template))
    client = site_key.client("cognito-idp", endpoint_url=cloud.emulator.url)
    for operation, arguments in calls.items():
        method = re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()
        assert refusal(client, method, **arguments) not in DENIED


def test_site_key_may_ask_the_ledger_and_no_other_function(cloud, site_key):
    functions = site_key.client("lambda", endpoint_url=cloud.emulator.url)
    ask = {"Payload": b'{"action": "show", "phone": "+12015550123"}'}
    ledger = cloud.outputs["LedgerFunction"]
    assert refusal(functions, "invoke", FunctionName=ledger, **ask) == ""
    other = ledger.replace("ledger", "create")
    assert refusal(functions, "invoke", FunctionName=other, **ask) in DENIED
    assert refusal(functions, "get_function_configuration", FunctionName=ledger) in DENIED


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("cognito-idp", "admin_delete_user", {"UserPoolId": "us-east-1_Another1", "Username": "x"}),
        ("cognito-idp", "admin_reset_user_password", {"UserPoolId": "{pool}", "Username": "x"}),
        ("cognito-idp", "create_group", {"UserPoolId": "{pool}", "GroupName": "admins"}),
        ("cognito-idp", "list_users", {"UserPoolId": "us-east-1_Another1"}),
        ("cognito-idp", "delete_user_pool", {"UserPoolId": "{pool}"}),
        (
            "cognito-idp",
            "describe_user_pool_client",
            {"UserPoolId": "{pool}", "ClientId": "{client}"},
        ),
        ("cognito-idp", "admin_get_user", {"UserPoolId": "us-east-1_Another1", "Username": "x"}),
        ("s3", "list_buckets", {}),
        ("s3", "list_objects_v2", {"Bucket": "phone-login-local-code"}),
        ("iam", "create_access_key", {"UserName": "phone-login-site"}),
        ("sns", "publish", {"PhoneNumber": "+12015550100", "Message": "no"}),
        ("secretsmanager", "get_secret_value", {"SecretId": "phone-login/local/code-key"}),
        ("lambda", "list_functions", {}),
        ("cloudformation", "describe_stacks", {}),
    ],
)
def test_site_key_may_do_nothing_more(cloud, site_key, service, operation, arguments):
    names = {
        "pool": cloud.outputs["CognitoUserPoolId"],
        "client": cloud.outputs["CognitoClientId"],
    }
    filled = {name: value.format(**names) for name, value in arguments.items()}
    client = site_key.client(service, endpoint_url=cloud.emulator.url)
    assert refusal(client, operation, **filled) in DENIED


def test_wrong_secret_of_the_right_key_is_refused(cloud, site_key):
    client = site_key.client(
        "cognito-idp",
        endpoint_url=cloud.emulator.url,
        aws_secret_access_key="x" * 40,
        aws_access_key_id=cloud.environment["AWS_ACCESS_KEY_ID"],
    )
    user = {"UserPoolId": cloud.outputs["CognitoUserPoolId"], "Username": "+12015550100"}
    assert refusal(client, "admin_get_user", **user) not in ("", "UserNotFoundException")


def test_folder_with_a_name_that_is_not_easy_holds_the_database(tmp_path, project):
    with Cloud(tmp_path / "c++ #1 100% é") as cloud:
        done = subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0", "contenttypes"],
            cwd=project,
            env={"PATH": os.defpath, "ENV_FILE": str(cloud.state_dir / "env")},
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert (cloud.state_dir / "db.sqlite3").stat().st_size > 0


def test_restart_keeps_the_pool_and_sessions_and_replaces_the_key(tmp_path):
    with Cloud(tmp_path) as first:
        pass
    assert not (tmp_path / "aws-config").exists(), "The key of root outlived its cloud"
    with Cloud(tmp_path) as second:
        iam = second.root_session().client("iam", endpoint_url=second.emulator.url)
        assert second.emulator.root_key.secret in (tmp_path / "aws-config").read_text()
        [key] = iam.list_access_keys(UserName=SITE_USER)["AccessKeyMetadata"]
    assert key["AccessKeyId"] == second.environment["AWS_ACCESS_KEY_ID"]
    assert read_env_file(second) == second.environment
    changed = {
        name for name, value in second.environment.items() if first.environment[name] != value
    }
    assert changed == {"AWS_ENDPOINT_URL", "COGNITO_JWKS_URL", "LOCAL_MESSAGING_URL"} | {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    }


@needs_proc
def test_start_that_fails_in_the_deployment_leaves_nothing(tmp_path: Path):
    program = tmp_path / "program"
    program.write_text(HOLLOW.format(python=sys.executable))
    program.chmod(0o700)
    cloud = Cloud(tmp_path / "state", program=program)
    with pytest.raises(LocalCloudError, match=r"^The deployment failed: .*403"):
        cloud.start()
    assert processes.left_of(tmp_path / "state") == {}
    assert not (tmp_path / "state" / "env").exists()
