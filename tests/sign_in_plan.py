"""Another plan of a sign-in in the local AWS, for as long as a test needs it."""

import contextlib
from collections.abc import Iterator

from localcloud.cloud import Cloud
from localcloud.warm_up import warm_up

_FUNCTIONS = ("define", "create", "verify")


@contextlib.contextmanager
def deployed(cloud: Cloud, plan: str, **variables: str) -> Iterator[None]:
    """Give the triggers ``plan``, and further ``variables``, as a deployment does."""
    api = cloud.root_session().client("lambda", endpoint_url=cloud.emulator.url)
    before = {}
    for name in _FUNCTIONS:
        function = f"phone-login-{name}-local"
        live = api.get_alias(FunctionName=function, Name="live")["FunctionVersion"]
        environment = api.get_function_configuration(FunctionName=function)["Environment"]
        before[function] = (live, environment)
        changed = environment["Variables"] | variables | {"SIGN_IN_PLAN": plan}
        api.update_function_configuration(FunctionName=function, Environment={"Variables": changed})
        version = api.publish_version(FunctionName=function)["Version"]
        api.update_alias(FunctionName=function, Name="live", FunctionVersion=version)
    # They are new ones, whose first call is slow.
    warm_up(cloud)
    try:
        yield
    finally:
        for function, (live, environment) in before.items():
            api.update_function_configuration(FunctionName=function, Environment=environment)
            api.update_alias(FunctionName=function, Name="live", FunctionVersion=live)
        api.close()
