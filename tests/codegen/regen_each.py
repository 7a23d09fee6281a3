"""Generate from each of several documents in one process, and print the exit statuses and errors as JSON.

The start of the process takes longer than most documents.

    python regen_each.py FOLDER_OF_THE_GENERATOR DOCUMENT…
"""

from __future__ import annotations

import contextlib
import io
import json
import sys

sys.path.insert(0, sys.argv[1])

import regenerate

outcomes = []
for document in sys.argv[2:]:
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        status = regenerate.main(["--spec", document])
    outcomes.append((status, said.getvalue()))
print(json.dumps(outcomes))  # noqa: T201 - for the test
