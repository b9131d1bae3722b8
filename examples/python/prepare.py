"""
Puts into build/ what the package is made of besides the program: a copy of the Python that runs this script, with the
libraries that it needs, and the packages of requirements.txt.

    python3 examples/python/prepare.py
"""

import os
import py_compile
import re
import shutil
import subprocess
import sys
import sysconfig
from compileall import compile_dir
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE / "build"
VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"

# Of the standard library: what only developers need, and what differs from machine to machine. Debian's
# sitecustomize.py is a link to /etc, and its EXTERNALLY-MANAGED speaks of Debian.
LEFT_OUT = shutil.ignore_patterns(
    *("__pycache__", "site-packages", "dist-packages", "sitecustomize.py", "EXTERNALLY-MANAGED", "*.a", "*.exe"),
    *("test", "tests", "idlelib", "lib2to3", "tkinter", "turtle.py", "turtledemo", "ensurepip", "pydoc_data", "config-*"),
    *("_tkinter*", "_test*", "_ctypes_test*", "xxlimited*", "xxsubtype*"),
)

# The C library is the one of the machine that runs the package: together with the loader and the kernel it is a whole.
OF_THE_MACHINE = re.compile(r"(linux-vdso|ld-linux|ld-musl|lib(c|m|dl|rt|pthread|util|resolv|nsl|anl|crypt)\.).*")


def main() -> None:
    if sys.platform != "linux":
        sys.exit("prepare.py: this example can copy a Python on Linux only")
    if BUILD.exists():
        shutil.rmtree(BUILD)
    copy_interpreter(BUILD / "python")
    install_packages(BUILD / "packages")
    for folder in (BUILD / "python", BUILD / "packages"):
        compile_modules(folder)
    print(f"{BUILD} is ready: Python {sys.version.split()[0]} of {sys.base_prefix}")


def copy_interpreter(to: Path) -> None:
    """bin/python3, lib/python3.X and shared libraries. Python finds its library from where its executable lies."""
    program = to / "bin" / "python3"
    program.parent.mkdir(parents=True)
    shutil.copy(Path(sys.base_prefix, "bin", VERSION), program)
    library = to / sys.platlibdir / VERSION
    shutil.copytree(sysconfig.get_path("stdlib", vars={"installed_base": sys.base_prefix}), library, ignore=LEFT_OUT)
    (to / "lib").mkdir(exist_ok=True)
    for source in sorted(libraries_of([program, *library.glob("lib-dynload/*.so")])):
        shutil.copy(source, to / "lib" / source.name)


def libraries_of(files: "list[Path]") -> "set[Path]":
    """The shared libraries that the loader takes for executables and modules, by the names under which it asks."""
    listed = subprocess.run(["ldd", *files], capture_output=True, text=True).stdout
    if missing := re.findall(r"(\S+) => not found", listed):
        sys.exit(f"prepare.py: this Python lacks libraries of its own: {', '.join(sorted(set(missing)))}")
    found = re.findall(r"=> (/\S+)", listed)
    return {Path(path) for path in found if not OF_THE_MACHINE.match(Path(path).name)}


def install_packages(to: Path) -> None:
    """Only wheels, only with the digests of requirements.txt: what is installed is what was meant."""
    pip = [sys.executable, "-I", "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-compile"]
    wanted = ["--only-binary=:all:", "--require-hashes", "--no-deps", "-r", str(HERE / "requirements.txt")]
    # The warning that root should not do this is about the system's packages, which stay as they are.
    environment = {**os.environ, "PIP_ROOT_USER_ACTION": "ignore"}
    if subprocess.run([*pip, *wanted, "--target", str(to)], env=environment).returncode != 0:
        sys.exit("prepare.py: the packages of requirements.txt could not be installed: is pip there, and its index in reach?")


def compile_modules(folder: Path) -> None:
    """
    Bytecode now, because the program runs with -B and would else compile what it imports at each start. It is bound to
    no time of its source, since packing forgets times, and it names no folder of this machine.
    """
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compile_dir(folder, quiet=2, workers=2, stripdir=str(BUILD), prependdir="/", invalidation_mode=mode)


main()
