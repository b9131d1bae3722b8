"""Lists the largest files of a folder."""

import argparse
import sys
from pathlib import Path

import humanize
from files import largest


def where() -> str:
    """Which Python this is, and where it looks for modules."""
    return "\n".join([f"Python {sys.version.split()[0]}: {sys.executable}", *sys.path, humanize.__file__])


def main() -> int:
    parser = argparse.ArgumentParser(prog="biggest", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("."))
    parser.add_argument("-n", type=int, default=5, metavar="N", help="how many files, 5 if not given")
    parser.add_argument("--where", action="store_true", help="say which Python runs this, and stop")
    options = parser.parse_args()
    if options.where:
        print(where())
        return 0
    if not options.folder.is_dir():
        print(f"biggest: there is no folder {options.folder}", file=sys.stderr)
        return 1
    for size, file in largest(options.folder, options.n):
        print(f"{humanize.naturalsize(size, binary=True):>12}  {file}")
    return 0


sys.exit(main())
