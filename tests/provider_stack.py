"""A local AWS whose sign-ins go through a provider, and the provider at the wire."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from localcloud.cloud import Cloud
from localcloud.warm_up import warm_up
from tests import site_settings
from tests.fakes.cognito_front.front import CognitoFront
from tests.fakes.provider import SECRET_KEY, ProviderServer

_SECRET = "a-provider-of-the-tests"


@dataclass
class ProviderStack:
    """The deployed triggers of a plan, a strict front before them, and the provider they ask."""

    cloud: Cloud
    front: CognitoFront
    provider: ProviderServer

    def serve(self, settings, monkeypatch) -> None:
        """Point the site of this process at it."""
        site_settings.connect(self.cloud, settings, monkeypatch, front=self.front.url)
        site_settings.use(self.cloud, settings, ("ACCOUNTS_SIGN_IN_PLAN", "TEXTS_FUNCTION"))
        settings.PROVIDER_PAGE = self.provider.url
        self.provider.forget()
        self.front.records.clear()
        self.front.heal()


@contextmanager
def running(state: Path, plan: str, *, return_url: str) -> Iterator[ProviderStack]:
    """Deploy a stack of its own, whose parameters are read when it is deployed."""
    with ExitStack() as stack:
        provider = ProviderServer()
        stack.callback(provider.close)
        cloud = stack.enter_context(
            Cloud(
                state,
                parameters={
                    "SignInPlan": plan,
                    "PublicClient": "true",
                    "ProviderUrl": f"{provider.url}/v1",
                    "ProviderSecretName": _SECRET,
                    "ProviderReturnUrl": return_url,
                    "SendsPerCountryHour": "1000000",
                    "SendsPerPoolHour": "1000000",
                    "SendsPerPoolDay": "10000000",
                    "DollarsPerPoolHour": "1000000",
                    "DollarsPerPoolDay": "10000000",
                },
            )
        )
        secrets = cloud.root_session().client("secretsmanager", endpoint_url=cloud.emulator.url)
        secrets.create_secret(Name=_SECRET, SecretString=SECRET_KEY)
        warm_up(cloud)
        front = stack.enter_context(CognitoFront(cloud))
        yield ProviderStack(cloud, front, provider)
