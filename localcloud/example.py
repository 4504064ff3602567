"""``python -m localcloud.example [--port N] [--state DIR]``: serve examples/spa for ``make run``.

The pages are a single-page app of somebody else's: they talk to Cognito alone, on an origin of
their own. ``make run PUBLIC_CLIENT=1`` must be running; its client and its address may change under
an open page, so they are read for every request.
"""

import argparse
import json
import sys
from collections.abc import Callable
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from localcloud import LocalCloudError, preflight
from localcloud.cloud import PROJECT

PAGES = PROJECT / "examples" / "spa"
# Where the Makefile installs and bundles what examples/spa/package.json names.
LIBRARIES = PROJECT / ".local" / "node" / "spa" / "libraries"

Environment = Callable[[], dict[str, str]]


def main() -> int:
    """Serve until Ctrl-C. Returns 0, or 1 with a message on stderr."""
    parser = argparse.ArgumentParser(prog="python -m localcloud.example", description=__doc__)
    parser.add_argument("--port", type=int, default=8080, help="port of the pages (8080)")
    parser.add_argument("--state", type=Path, default=PROJECT / ".local", help="where state lives")
    options = parser.parse_args()
    env_file = options.state / "env"
    try:
        preflight.may_serve_apps(options.port, options.state)
    except LocalCloudError as error:
        print(f"make spa: {error}", file=sys.stderr)
        return 1
    served = server(lambda: read_environment(env_file), port=options.port)
    print(
        f"\n  Example apps    http://localhost:{options.port}/"
        "\n\nTexts arrive in the inbox of make run. Ctrl-C ends it.",
        flush=True,
    )
    with served:
        try:
            served.serve_forever()
        except KeyboardInterrupt:
            print()
    return 0


def read_environment(path: Path) -> dict[str, str]:
    """Return what ``make run`` has written."""
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


def config(environment: dict[str, str]) -> dict[str, str]:
    """Return what the pages must know. None of it is a secret."""
    return {
        "userPoolId": environment["COGNITO_USER_POOL_ID"],
        "clientId": environment["COGNITO_PUBLIC_CLIENT_ID"],
        # On AWS the libraries find it by the pool's region.
        "endpoint": environment["AWS_ENDPOINT_URL"],
    }


def server(environment: Environment, *, port: int = 0) -> ThreadingHTTPServer:
    """Return a server of the pages on loopback."""

    class Handler(SimpleHTTPRequestHandler):
        extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript"}

        def translate_path(self, path: str) -> str:
            is_library = path.startswith("/libraries/")
            self.directory = str(LIBRARIES if is_library else PAGES)
            return super().translate_path(path.removeprefix("/libraries"))

        def do_GET(self) -> None:
            if self.path != "/config.json":
                super().do_GET()
                return
            try:
                body = json.dumps(config(environment())).encode()
            except KeyError:
                self.send_error(503, "make run was started again without PUBLIC_CLIENT=1")
                return
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def end_headers(self) -> None:
            self.send_header("Cache-Control", "no-store")
            super().end_headers()

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            pass

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


if __name__ == "__main__":
    sys.exit(main())
