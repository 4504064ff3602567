"""A trigger in a process of its own, as Lambda starts one for an instance of a function.

``python -m tests.bench.function <package> define_auth_challenge`` loads it from the package's
directory and says how many seconds of CPU that took. Each line on standard input is an event, and
is answered by a line with the response and its seconds. With more names one process serves all.
"""

import json
import re
import sys
import time
from importlib import import_module


def main() -> None:
    # What it logs is not an answer.
    answers, sys.stdout = sys.stdout, sys.stderr
    package, *names = sys.argv[1:]
    sys.path.insert(0, package)
    before = time.process_time()
    handlers = {name: import_module(f"triggers.{name}").handler for name in names}
    print(json.dumps({"cpu": time.process_time() - before}), file=answers, flush=True)
    for line in sys.stdin:
        event = json.loads(line)
        # VerifyAuthChallengeResponse_Authentication and its like.
        trigger = event["triggerSource"].partition("_")[0]
        handler = handlers[re.sub(r"\B([A-Z])", r"_\1", trigger).lower()]
        before = time.process_time()
        response = handler(event, None)["response"]
        taken = {"response": response, "cpu": time.process_time() - before}
        print(json.dumps(taken), file=answers, flush=True)


if __name__ == "__main__":
    main()
