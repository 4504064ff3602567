"""The emulator with our stack in it, and the environment that a site needs to use it."""

import contextlib
import os
import secrets
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from localcloud import LocalCloudError, stack
from localcloud.emulator import REGION, Emulator
from localcloud.messaging import Messaging

PROJECT = Path(__file__).resolve().parent.parent
EMULATOR_PROGRAM = PROJECT / ".local" / "emulator-venv" / "bin" / "ministack"
SITE_USER = "phone-login-site"
# A dozen countries to try. No text leaves this machine.
COUNTRIES = ("US", "CA", "GB", "IE", "FR", "DE", "ES", "IT", "NL", "BR", "IN", "AU")


class Cloud:
    """A running local AWS. Use it as a context manager, or call ``stop``.

    ``parameters`` are further ones of the template in ``lambdas``. ``state_dir`` keeps users, keys
    and deployed code between runs, and while it runs ``aws-config``, by which AWS's own tools work
    as root.
    """

    def __init__(
        self,
        state_dir: Path,
        *,
        program: Path = EMULATOR_PROGRAM,
        parameters: dict[str, str] | None = None,
        lambdas: Path = PROJECT / "lambdas",
    ) -> None:
        self.state_dir = state_dir
        self.emulator = Emulator(program, state_dir / "emulator")
        self.messaging = Messaging()
        self._parameters = parameters or {}
        self._lambdas = lambdas
        self.outputs: dict[str, str] = {}
        self.environment: dict[str, str] = {}

    def start(self) -> None:
        """Start, deploy, and write ``state_dir/env``. Raises LocalCloudError, leaving nothing."""
        self.state_dir.mkdir(parents=True, exist_ok=True)
        self.messaging.start()
        self.emulator.variables = self.messaging.environment
        try:
            self.emulator.start()
            self.deploy()
        except BaseException:
            self.stop()
            raise

    def deploy(self) -> None:
        """Deploy the template again, and write ``state_dir/env``. Raises LocalCloudError."""
        self.outputs = stack.deploy(
            self.root_session(),
            self.emulator.url,
            self._lambdas,
            {
                "Stage": "local",
                "AppName": os.environ.get("SITE_NAME") or "Phone login",
                "SiteHost": "localhost",
                "AllowedCountries": ",".join(COUNTRIES),
                **self._parameters,
            },
        )
        self._let_mail_leave()
        self.environment = self._environment()
        _write_secret(self.state_dir / "aws-config", self._aws_config())
        write_env_file(self.state_dir / "env", self.environment)

    def _let_mail_leave(self) -> None:
        """Verify the domain of the sender, as its owner does at SES with a record of DNS."""
        domain = self._parameters.get("EmailSender", "").rpartition("@")[2].rstrip(">")
        if not domain:
            return
        ses = self.root_session().client("sesv2", endpoint_url=self.emulator.url)
        with contextlib.suppress(ses.exceptions.AlreadyExistsException):
            ses.create_email_identity(EmailIdentity=domain)

    def stop(self) -> None:
        """End the emulator. Its state is kept in ``state_dir``."""
        (self.state_dir / "aws-config").unlink(missing_ok=True)
        self.emulator.stop()
        self.messaging.stop()

    def __enter__(self) -> "Cloud":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def root_session(self) -> boto3.Session:
        """Return a session that may do everything, like the one that deploys."""
        key = self.emulator.root_key
        return boto3.Session(key.id, key.secret, region_name=REGION)

    def _environment(self) -> dict[str, str]:
        pool, client = self.outputs["CognitoUserPoolId"], self.outputs["CognitoClientId"]
        url, plan = self.emulator.url, self.outputs["AccountsSignInPlan"]
        known = self.outputs.get("CognitoKnownClientId", "")
        site = self.outputs.get("CognitoSiteClientId", "")
        try:
            secrets_of = {each: self._client_secret(each) for each in (client, known, site) if each}
            stated = self.root_session().client("secretsmanager", endpoint_url=url)
            site_key = stated.get_secret_value(SecretId=self.outputs["SiteKeySecret"])
            key_id, key_secret = self._access_key()
        except (BotoCoreError, ClientError) as error:
            raise LocalCloudError(f"The local AWS failed after the deployment: {error}") from error
        environment = {
            "AWS_ENDPOINT_URL": url,
            "LOCAL_MESSAGING_URL": self.messaging.url,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": key_id,
            "AWS_SECRET_ACCESS_KEY": key_secret,
            "COGNITO_USER_POOL_ID": pool,
            "COGNITO_CLIENT_ID": client,
            "LEDGER_FUNCTION": self.outputs["LedgerFunction"],
            "TEXTS_FUNCTION": self.outputs["TextsFunction"],
            "COGNITO_CLIENT_SECRET": secrets_of[client],
            "SITE_KEY": site_key["SecretString"],
            # Tokens name AWS as their issuer, here too; only the keys come from elsewhere.
            "COGNITO_JWKS_URL": f"{url}/{pool}/.well-known/jwks.json",
            "SITE_NAME": self.outputs["SiteName"],
            "SITE_CONTACT": "help@example.com",
            "DJANGO_SECRET_KEY": self._secret_key(),
            "DJANGO_DEBUG": "true",
            "DJANGO_HTTPS": "false",
            "DJANGO_ALLOWED_HOSTS": "localhost,127.0.0.1",
            "DATABASE_URL": f"sqlite:///{quote(str(self.state_dir.resolve() / 'db.sqlite3'))}",
            "CACHE_URL": "locmemcache://",
            # An account that the site opens has no password.
            "ACCOUNTS_SIGN_UP": "closed" if plan.startswith("password") else "open",
            "ACCOUNTS_SIGN_IN_PLAN": plan,
            "ACCOUNTS_EMAIL": self.outputs["AccountsEmail"],
            "ACCOUNTS_COUNTRIES": ",".join(COUNTRIES),
            "ACCOUNTS_DEFAULT_REGION": COUNTRIES[0],
            # A newcomer opens the admin with a code alone, unless they ask for more.
            "ACCOUNTS_STAFF_SECOND_FACTOR": os.environ.get("ACCOUNTS_STAFF_SECOND_FACTOR")
            or "false",
            # All requests come from this machine.
            "ACCOUNTS_PHONE_POSTS": "1000/minute",
            "ACCOUNTS_SENDS": "1000/minute",
            "ACCOUNTS_UNUSED_SENDS": "1000/minute",
            "ACCOUNTS_SIGN_UPS_PER_BLOCK": "1000/minute",
            "ACCOUNTS_SIGN_UPS_PER_COUNTRY": "1000/minute",
            "ACCOUNTS_SIGN_UPS": "1000/minute",
            "ACCOUNTS_WRONG_CODES": "1000/minute",
        }
        if known:
            environment["COGNITO_KNOWN_CLIENT_ID"] = known
            environment["COGNITO_KNOWN_CLIENT_SECRET"] = secrets_of[known]
        if site:
            environment["COGNITO_SITE_CLIENT_ID"] = site
            environment["COGNITO_SITE_CLIENT_SECRET"] = secrets_of[site]
            # Where a sign-in is more than a code, there are none.
            is_code = str(plan == "code").lower()
            environment["ACCOUNTS_SECOND_NUMBER"] = is_code
            if environment["ACCOUNTS_EMAIL"] == "true":
                environment["ACCOUNTS_EMAIL_LOGIN"] = is_code
        if public := self.outputs.get("PublicClientId"):
            # For apps; the site does not use it.
            environment["COGNITO_PUBLIC_CLIENT_ID"] = public
        return environment

    def _client_secret(self, client_id: str) -> str:
        cognito = self.root_session().client("cognito-idp", endpoint_url=self.emulator.url)
        pool = self.outputs["CognitoUserPoolId"]
        described = cognito.describe_user_pool_client(UserPoolId=pool, ClientId=client_id)
        return described["UserPoolClient"]["ClientSecret"]

    def _aws_config(self) -> str:
        """Return a configuration of the AWS CLI with the root key, which ends with the run."""
        key = self.emulator.root_key
        return (
            f"[default]\nregion = {REGION}\nendpoint_url = {self.emulator.url}\n"
            f"aws_access_key_id = {key.id}\naws_secret_access_key = {key.secret}\n"
        )

    def _access_key(self) -> tuple[str, str]:
        """Give the site a key of its own, with nothing but the template's policy."""
        iam = self.root_session().client("iam", endpoint_url=self.emulator.url)
        try:
            iam.create_user(UserName=SITE_USER)
        except iam.exceptions.EntityAlreadyExistsException:
            for old in iam.list_access_keys(UserName=SITE_USER)["AccessKeyMetadata"]:
                iam.delete_access_key(UserName=SITE_USER, AccessKeyId=old["AccessKeyId"])
        iam.attach_user_policy(UserName=SITE_USER, PolicyArn=self.outputs["WebTierPolicyArn"])
        key = iam.create_access_key(UserName=SITE_USER)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    def _secret_key(self) -> str:
        """Return Django's key, the same in every run, so that people stay signed in."""
        path = self.state_dir / "secret-key"
        if not path.exists():
            _write_secret(path, secrets.token_urlsafe(48))
        return path.read_text()


def write_env_file(path: Path, environment: dict[str, str]) -> None:
    """Write ``NAME=value`` lines that only their owner may read."""
    _write_secret(path, "".join(f"{name}={value}\n" for name, value in environment.items()))


def _write_secret(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
