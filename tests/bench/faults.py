"""``make bench WHAT=faults``: the table of faults, with status, seconds and texts of each step.

It takes a minute and a half. docs/operations.md has it in short. Exits with 1 where an answer is
not as the table has it, or the next attempt does not work.
"""

import os
import sys
import tempfile
from pathlib import Path


def main() -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from tests.faults import table
    from tests.faults.row import shown

    with tempfile.TemporaryDirectory(prefix="bench-faults-") as folder:
        rows = table.measured(Path(folder))
    print(shown(rows))
    return int(any(row.status not in row.expected or row.then != "works" for row in rows))


if __name__ == "__main__":
    sys.exit(main())
