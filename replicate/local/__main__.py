"""`python -m replicate.local`: serve the demonstration models until Ctrl-C."""

# ruff: noqa: T201 - a program prints

from __future__ import annotations

import argparse
import signal
import sys
import threading
from contextlib import suppress


def main(arguments: list[str] | None = None) -> int:
    """Serve, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m replicate.local", description=__doc__)
    parser.add_argument("--port", type=int, default=0, metavar="N", help="listen on this port (default: a free one)")
    parser.add_argument("--store", default=":memory:", metavar="FILE", help="keep predictions in this SQLite file")
    parser.add_argument("--token", metavar="T", help="accept this API token (default: a new one)")
    options = parser.parse_args(arguments)
    try:
        from replicate.local import server
        from replicate.local.demo import MODELS

        serving = server(MODELS, port=options.port, store=options.store, token=options.token)
        for number in (signal.SIGINT, signal.SIGTERM):  # a shell starts background jobs with Ctrl-C ignored
            signal.signal(number, signal.default_int_handler)
        with suppress(KeyboardInterrupt), serving as srv:
            url = srv.base_url
            print(f"Replicate local server on {url}  (REPLICATE_API_TOKEN={srv.token})", flush=True)
            threading.Event().wait()
    except (ModuleNotFoundError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
