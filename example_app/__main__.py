"""``python -m example_app``: run the API with a local user pool, without AWS."""

import argparse
import sys

from example_app.demo import run


def main() -> int:
    """Parse the command line and run the demo."""
    parser = argparse.ArgumentParser(prog="python -m example_app", description=__doc__)
    parser.add_argument(
        "--once", action="store_true", help="stop after the table; exit with 0 if all is as expected"
    )
    parser.add_argument(
        "--port", type=int, default=8000, help="the API's port on 127.0.0.1; 0 is any free one"
    )
    options = parser.parse_args()
    return run(once=options.once, port=0 if options.once else options.port)


if __name__ == "__main__":
    sys.exit(main())
