"""The control groups that containers of a lab leave when their node ends."""

from __future__ import annotations

from pathlib import Path

from hadeploy.errors import HadeployError
from hadeploy.lab.waiting import wait_until


def parse_hierarchies(mountinfo: str) -> list[Path]:
    """The mount points of cgroup hierarchies (several with v1, one with v2, both with hybrid)."""
    found = []
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        if right.split()[:1] in (["cgroup"], ["cgroup2"]):
            found.append(Path(left.split()[4]))
    return found


def remove(name: str) -> None:
    """Remove a group and its subgroups from every hierarchy.

    Args:
        name: relative to the root of a hierarchy, such as "hl-lab/n1".

    Raises:
        HadeployError: a process was still in one of them after 10 s.
    """

    def gone() -> bool:
        left = False
        for root in parse_hierarchies(Path("/proc/self/mountinfo").read_text()):
            left |= not _remove_tree(root / name)
        return not left

    wait_until(gone, what=f"cgroup {name} to be empty", timeout=10)


def _remove_tree(group: Path) -> bool:
    # Only folders of a cgroup can be removed, the innermost first; files need not be.
    try:
        for entry in list(group.iterdir()):
            if entry.is_dir() and not entry.is_symlink():
                _remove_tree(entry)
        group.rmdir()
    except FileNotFoundError:
        return True
    except NotADirectoryError as error:
        raise HadeployError(str(error), operation=f"removing cgroup {group}") from error
    except OSError:
        return False
    return True
