"""The list of app clients that get codes, and what each is for."""

from collections.abc import Iterator

from cognito_admin.doctor.context import Context, Finding, danger, ok, warning


def client_list(context: Context) -> Iterator[Finding]:
    """The parameter names the clients that get codes, and these exist."""
    outputs = context.stack.outputs
    stack, public = context.stack, outputs.get("PublicClientId")
    ours = (stack.client_id, stack.known_client_id, stack.site_client_id, public)
    wanted = {each for each in ours if each}
    try:
        context.client_list  # noqa: B018 - read now, to know whether it is there
    except context.account.client("ssm").exceptions.ParameterNotFound:
        yield danger(
            "client list",
            f"the parameter {context.stack.client_list} is gone: nobody gets a code",
            setting(context, wanted),
        )
        return
    there = {each["ClientId"] for each in context.clients}
    if missing := wanted - set(context.client_list):
        yield danger(
            "client list",
            f"{', '.join(sorted(missing))} is not on the list of clients that get codes",
            setting(context, wanted),
        )
    elif wrong := {
        each: role for each in wanted if (role := context.client_list[each]) != _role(context, each)
    }:
        listed = "; ".join(
            f"{each} is listed as {role or 'usual'}, and is for {_role(context, each) or 'usual'}"
            for each, role in sorted(wrong.items())
        )
        yield danger("client list", listed, setting(context, wanted))
    elif gone := set(context.client_list) - there:
        yield warning(
            "client list",
            f"{', '.join(sorted(gone))} gets codes, and is no client of the pool",
            setting(context, wanted),
        )
    else:
        yield ok("client list", "who gets codes is on it")


def setting(context: Context, ids: set[str]) -> str:
    """Return the command that sets the list to these clients, with their roles."""
    roles = {each: _role(context, each) for each in sorted(ids)}
    listed = [f"{each}={role}" if role else each for each, role in roles.items()]
    return context.aws(
        "ssm put-parameter",
        f"--overwrite --type String --name {context.stack.client_list} --value {','.join(listed)}",
    )


def _role(context: Context, identifier: str) -> str:
    """Return the role of a client of the stack on the list, "" for a usual one."""
    roles = {
        context.stack.outputs.get("PublicClientId"): "public",
        context.stack.known_client_id: "known",
        context.stack.site_client_id: "site",
    }
    return roles.get(identifier, "")
