"""Extract the files of an image from Debian packages."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from importlib.resources import files as package_files
from pathlib import Path

from hadeploy.errors import HadeployError
from hadeploy.lab.images.archive import Entry
from hadeploy.lab.images.mirror import debian_mirror
from hadeploy.lab.images.recipes import Recipe
from hadeploy.lab.tools import run_tool

_BIN_FOLDERS = ("usr/sbin", "usr/bin")
_MERGED = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}
_FOLDERS = (
    *(("/dev", 0o755), ("/etc", 0o755), ("/home", 0o755), ("/proc", 0o555), ("/root", 0o700)),
    *(("/run", 0o755), ("/sys", 0o555), ("/tmp", 0o1777), ("/var/lib", 0o755)),  # noqa: S108
    *(("/var/log", 0o755), ("/var/tmp", 0o1777), ("/usr/local/sbin", 0o755)),  # noqa: S108
    *(("/usr/local/bin", 0o755), ("/usr/local/etc", 0o755)),
)


def unpack(recipe: Recipe, target: Path) -> None:
    """Extract the packages of a recipe and their dependencies, without installing them.

    Args:
        recipe: of the image.
        target: a folder that does not exist yet.

    Raises:
        HadeployError: the packages could not be fetched.
    """
    run_tool(
        (
            "mmdebstrap",
            "--mode=root",
            "--variant=extract",
            # No package is configured, so this hook makes /bin a link to /usr/bin.
            "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
            f"--include={','.join((*recipe.packages, 'libc-bin'))}",
            recipe.suite,
            str(target),
            debian_mirror(),
        ),
        operation=f"making the image {recipe.reference}",
        timeout=600,
    )


def check_version(recipe: Recipe, root: Path) -> None:
    """Verify that the program runs and has the version of the tag.

    Raises:
        HadeployError: Debian now has another version.
    """
    program = "/" + str(find_program(root, recipe.program))
    output = run_tool(
        ("sh", "-c", 'exec chroot "$1" "$2" -v 2>&1', "sh", str(root), program),
        operation=f"reading the version of {recipe.program}",
    )
    if not re.search(rf"\bv?{re.escape(recipe.version)}\b", output):
        raise HadeployError(
            f"{recipe.suite} has another version: {output.splitlines()[0] if output else 'none'}",
            operation=f"making the image {recipe.reference}",
        )


def find_program(root: Path, name: str) -> Path:
    """The path of a program, relative to the root.

    Raises:
        HadeployError: no package contains it.
    """
    for folder in _BIN_FOLDERS:
        if (root / folder / name).exists():
            return Path(folder) / name
    raise HadeployError(f"{name} is in none of the packages", operation="making an image")


def parse_ldd(text: str) -> set[str]:
    """The absolute paths of shared libraries and of the loader in the output of ldd."""
    return set(re.findall(r"(?:=> |^\s+)(/\S+) \(0x", text, flags=re.MULTILINE))


def libraries_of(root: Path, programs: Iterable[Path]) -> set[Path]:
    """The shared libraries of programs, relative to the root, including links and their targets.

    Raises:
        HadeployError: ldd failed.
    """
    output = run_tool(
        ("chroot", str(root), "ldd", *(f"/{program}" for program in programs)),
        operation="looking for shared libraries",
        check=False,
    )
    wanted = parse_ldd(output)
    # The C library loads this one at run time to cancel a thread.
    wanted |= {f"/{p.relative_to(root)}" for p in root.glob("usr/lib/*/libgcc_s.so.1")}
    return {link for path in wanted for link in _chain(root, _merged(path))}


def _chain(root: Path, path: Path) -> list[Path]:
    """A path and the targets of its links, all relative to the root."""
    chain = [path]
    while (root / path).is_symlink():
        target = os.path.normpath(path.parent / (root / path).readlink())
        path = _merged(target) if target.startswith("/") else Path(target)
        chain.append(path)
    return chain


def _merged(path: str) -> Path:
    top, _, rest = path.lstrip("/").partition("/")
    return Path(_MERGED.get(top, top)) / rest


def entries(recipe: Recipe, root: Path) -> list[Entry]:
    """The files of an image.

    Args:
        recipe: of the image.
        root: the target of `unpack`.

    Raises:
        HadeployError: a program is missing.
    """
    main = find_program(root, recipe.program)
    tools = [find_program(root, name) for name in recipe.tools]
    if recipe.busybox:
        tools.append(find_program(root, "busybox"))
    made = {
        **{f"/{link}": Entry.link(target) for link, target in _MERGED.items()},
        **{path: Entry.folder(mode) for path, mode in _FOLDERS},
        "/var/run": Entry.link("/run"),
        **{path: Entry.folder(mode, owner) for path, mode, owner in recipe.folders},
        # The path in the real images, which build it from source.
        f"/usr/local/sbin/{recipe.program}": Entry.file(
            relocated((root / main).read_bytes(), recipe.moved), 0o755
        ),
        **{new: Entry.copy(root / old.lstrip("/"), 0o644) for old, new in recipe.moved},
        **{f"/{path.relative_to(root)}": Entry.copy(path, 0o644) for path in _locale(root)},
        **{f"/{tool}": Entry.copy(root / tool) for tool in tools},
        **{
            f"/{library}": _library(root, library) for library in libraries_of(root, [main, *tools])
        },
        **_accounts(recipe),
    }
    if recipe.busybox:
        applets = run_tool(("chroot", str(root), "busybox", "--list"), operation="listing applets")
        for applet in applets.split():
            made.setdefault(f"/usr/bin/{applet}", Entry.link("busybox"))
    else:
        made["/usr/bin/sh"] = Entry.link("dash")
        made["/usr/bin/awk"] = Entry.link("mawk")
    for path, copied in recipe.files.items():
        text = (package_files("hadeploy.lab.images") / "files" / copied.source).read_bytes()
        made[path] = Entry.file(text, copied.mode)
    return [entry.at(path) for path, entry in made.items()]


def relocated(program: bytes, moved: Iterable[tuple[str, str]]) -> bytes:
    """Replace paths in a program with others that are not longer.

    Raises:
        HadeployError: the program does not contain a path, or the new one is too long.
    """
    for old, new in moved:
        before, after = old.encode() + b"\0", new.encode() + b"\0"
        if before not in program or len(after) > len(before):
            raise HadeployError(f"cannot replace {old} by {new}", operation="making an image")
        program = program.replace(before, after.ljust(len(before), b"\0"))
    return program


def _locale(root: Path) -> list[Path]:
    return [path for path in root.glob("usr/lib/locale/C.utf8/**/*") if path.is_file()]


def _library(root: Path, library: Path) -> Entry:
    path = root / library
    return Entry.link(str(path.readlink())) if path.is_symlink() else Entry.copy(path, mode=0o755)


def _accounts(recipe: Recipe) -> dict[str, Entry]:
    accounts = (("root", 0, "/root"), *recipe.accounts, ("nobody", 65534, "/nonexistent"))
    passwd = "".join(f"{n}:x:{i}:{i}:{n}:{home}:/bin/sh\n" for n, i, home in accounts)
    group = "".join(f"{n}:x:{i}:\n" for n, i, _ in accounts)
    return {
        "/etc/passwd": Entry.file(passwd.encode(), 0o644),
        "/etc/group": Entry.file(group.encode(), 0o644),
        "/etc/nsswitch.conf": Entry.file(b"passwd: files\ngroup: files\nhosts: files dns\n", 0o644),
    }
