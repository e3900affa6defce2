#!/usr/bin/env python3
"""Make the root of an image: a virtual environment and all that it needs of this system, and nothing else.

No shell, no package manager, no compiler: the interpreter, its standard library, what both link to, roots of
trust and time zones. Run by the environment's own Python, as root, in the build stage of an image:

    image_root.py --root DIR --own DIR [--owned NAME ...] MODULE ...

What belongs to packages whose names start with an OWNED goes to `--own`, which changes with every version;
the rest to `--root`, which changes with the lock file alone. The MODULEs are what the process imports as
it starts: they and all that they import are compiled, as a read-only image cannot do it later.
"""

from __future__ import annotations

import argparse
import importlib
import os
import py_compile
import re
import shutil
import struct
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

USER = 10001
UNUSED = {"__pycache__", "test", "tests", "idlelib", "turtledemo", "tkinter", "lib2to3"}
UNUSED |= {"ensurepip", "pydoc_data", "include", "distutils", "f2py"}
UNUSED |= {"posix", "right"}  # time zones twice more
"""Folders that no process here reads."""
UNUSED_FILE = re.compile(
    r"\.(a|h|hpp|c|cc|cpp|pxd|pyx|pxi|pyi|exe|pdb)$"
    r"|^(libarrow)?(_python)?_flight\..*so"  # Arrow's RPC, 32 MB
    r"|^_simd\..*so$"  # NumPy's own tests of its instructions, 4 MB
    # what asks terminals and old databases, with their libraries, and Python's own tests: 5 MB
    r"|^(readline|nis|_dbm|_gdbm|_curses\w*|_tkinter|_test\w*|ossaudiodev)\.cpython.*so$"
)
DATA = ("/etc/ssl/certs/ca-certificates.crt", "/usr/share/zoneinfo", "/etc/os-release")
GENERATED = ("kubernetes/client", "kserve/models")
"""Code that a generator wrote, 35 MB compiled and plain: the compiled form is enough."""
LOADED_LATER = ("libgcc_s.so.1",)
"""Opened by name as threads end: no file says that it links to it."""


def unused(folder: str, names: list[str]) -> list[str]:
    """Those names in a folder that are left out, as `shutil.copytree` asks."""
    gone = [name for name in names if name in UNUSED or UNUSED_FILE.search(name)]
    if folder == sysconfig.get_path("stdlib"):
        gone += [name for name in names if name.startswith("config-3") or "-packages" in name]
    return gone


def libraries(files: list[Path]) -> set[Path]:
    """The shared libraries of this system that files link to, all the way down."""
    said = subprocess.run(
        ["ldd", *map(str, files)],  # noqa: S607 - the C library's own
        check=False,
        capture_output=True,
        text=True,
    )
    names = re.findall(r"(?:=> )?(/\S+) \(0x", said.stdout)
    found = {Path(name) for name in names}
    return found | {sibling(found, name) for name in LOADED_LATER}


def sibling(found: set[Path], name: str) -> Path:
    """The library of this name where the C library lies."""
    libc = next(path for path in found if path.name.startswith("libc.so"))
    return libc.parent / name


def put(source: Path, root: Path) -> None:
    """Copy a file or folder to the place of the same name in a root."""
    target = root / source.relative_to("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, ignore=unused, dirs_exist_ok=True)
    elif source.exists():
        shutil.copy2(source.resolve(), target)


def linked(folder: Path) -> None:
    """Make links of what wheels hold twice: they cannot hold the links of a library's versions."""
    for whole in folder.rglob("*.so.*"):
        for other in whole.parent.glob(whole.name.split(".so")[0] + ".so*"):
            same = other != whole and not other.is_symlink() and not whole.is_symlink()
            if same and other.read_bytes() == whole.read_bytes():
                other.unlink()
                other.symlink_to(whole.name)


def slim(folder: Path) -> None:
    """Cut off of native libraries what the loader does not read: symbols for debuggers, at the end."""
    for library in folder.rglob("*.so*"):
        content = library.read_bytes()
        if library.is_symlink() or content[:5] != b"\x7fELF\x02":
            continue
        (headers,) = struct.unpack_from("<Q", content, 32)
        size, count = struct.unpack_from("<HH", content, 54)
        end = headers + size * count
        for header in range(headers, end, size):
            start, _, _, length = struct.unpack_from("<4Q", content, header + 8)
            end = max(end, start + length)
        # no table of sections any more: e_shoff, e_shnum and e_shstrndx are 0
        kept = content[:40] + bytes(8) + content[48:60] + bytes(4) + content[64:end]
        library.write_bytes(kept)


def compiled(root: Path) -> None:
    """Compile the modules that are loaded now, where they were copied to."""
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    for module in list(sys.modules.values()):
        name = getattr(module, "__file__", None) or ""
        target = root / name.lstrip("/")
        if not name.endswith(".py") or not target.exists():
            continue
        if any(f"-packages/{part}/" in name for part in GENERATED):
            py_compile.compile(str(target), f"{target}c", dfile=name, invalidation_mode=mode)
            target.unlink()
        else:
            py_compile.compile(str(target), dfile=name, invalidation_mode=mode)


def interpreter(environment: Path, python: Path) -> None:
    """Have a copied environment name the interpreter itself, not links that were not copied."""
    for link in (environment / "bin").glob("python*"):
        link.unlink()
    (environment / "bin/python").symlink_to(python)
    (environment / "pyvenv.cfg").write_text(
        f"home = {python.parent}\ninclude-system-site-packages = false\n", encoding="utf-8"
    )


def people(root: Path) -> None:
    """The user, and the two folders that it may write to."""
    (root / "etc").mkdir(exist_ok=True)
    (root / "etc/passwd").write_text(f"timonel:x:{USER}:{USER}::/tmp:/none\n", encoding="utf-8")
    (root / "etc/group").write_text(f"timonel:x:{USER}:\n", encoding="utf-8")
    (root / "etc/nsswitch.conf").write_text("hosts: files dns\n", encoding="utf-8")
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    state = root / "var/lib/timonel"
    state.mkdir(parents=True)
    os.chown(state, USER, USER)


def system(root: Path, prefix: Path) -> None:
    """The interpreter, its library, and what they and the environment link to."""
    for name in ("lib", "lib64", "bin"):  # as the system has it: /lib is /usr/lib
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        if Path("/", name).is_symlink():
            (root / name).symlink_to(f"usr/{name}")
    python = Path(sys.executable).resolve()
    stdlib = Path(sysconfig.get_path("stdlib"))
    put(python, root)
    put(stdlib, root)
    copies = [root / path.relative_to("/") for path in (stdlib, prefix)]
    native = [python, *(path for copy in copies for path in copy.rglob("*.so*"))]
    kept = [
        f for f in libraries(native) if not f.is_relative_to(prefix) and not f.is_relative_to(root)
    ]
    for library in (*kept, *map(Path, DATA)):
        put(library, root)


def owned(packages: Path, names: list[str]) -> Iterator[Path]:
    """The files and folders of our own packages, their commands among them."""
    for name in names:
        yield from packages.glob(f"{name}*")
        yield from Path(sys.prefix, "bin").glob(f"{name}*")


def main() -> None:
    """Read the command line and make both roots."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--own", type=Path, required=True)
    parser.add_argument("--owned", nargs="+", default=["timonel"])
    parser.add_argument("modules", nargs="+")
    wish = parser.parse_args()
    for module in wish.modules:
        importlib.import_module(module)
    prefix, packages = Path(sys.prefix), Path(sysconfig.get_path("purelib"))
    put(prefix, wish.root)
    copy = wish.root / prefix.relative_to("/")
    linked(copy)
    slim(copy)
    interpreter(copy, Path(sys.executable).resolve())
    system(wish.root, prefix)
    people(wish.root)
    for one in owned(packages, wish.owned):
        target = wish.own / one.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(wish.root / one.relative_to("/"), target)
    compiled(wish.root)
    compiled(wish.own)


if __name__ == "__main__":
    main()
