"""The requirements for a lab, checked before any change."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from hadeploy.errors import HadeployError
from hadeploy.lab.tools import CLEAN_ENVIRONMENT

# tool → Debian package
_TOOLS = {
    "dockerd": "docker.io",
    "docker": "docker.io",
    "containerd": "docker.io",
    "runc": "docker.io",
    "sshd": "openssh-server",
    "ssh-keygen": "openssh-client",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "setsid": "util-linux",
    "pivot_root": "util-linux",
    "mount": "mount",
    "hostname": "hostname",
    "timeout": "coreutils",
    "mmdebstrap": "mmdebstrap",
}


def missing_packages() -> list[str]:
    """The Debian packages of the missing tools."""
    path = CLEAN_ENVIRONMENT["PATH"]
    return sorted(
        {package for tool, package in _TOOLS.items() if not shutil.which(tool, path=path)}
    )


def check_machine() -> None:
    """Check that this machine meets the requirements.

    Raises:
        HadeployError: with all missing ones.
    """
    operation = "checking the requirements for a lab"
    if not sys.platform.startswith("linux"):
        raise HadeployError(
            f"a lab needs Linux, but this is {sys.platform}",
            operation=operation,
            hint="run it in a Debian virtual machine",
        )
    if os.geteuid() != 0:
        raise HadeployError(
            "a lab needs root, because it creates network namespaces and mounts",
            operation=operation,
            hint="run it with sudo, preferably on a disposable machine",
        )
    packages = missing_packages()
    if packages:
        raise HadeployError(
            f"missing packages: {', '.join(packages)}",
            operation=operation,
            hint=f"scripts/install-debian.sh, or: apt-get install {' '.join(packages)}",
        )
    problems = [
        problem
        for problem, bad in (
            ("the kernel has no overlay file system", not _file_system("overlay")),
            ("no control groups are mounted on /sys/fs/cgroup", not _has_cgroups()),
            ("the kernel has no network namespaces", not Path("/proc/self/ns/net").exists()),
        )
        if bad
    ]
    if problems:
        raise HadeployError("; ".join(problems), operation=operation)


def _file_system(name: str) -> bool:
    if name in Path("/proc/filesystems").read_text().split():
        return True
    # An unloaded module is not listed; a mount loads it.
    modules = Path("/lib/modules") / os.uname().release
    return any(modules.glob(f"kernel/fs/{name}*/{name}.ko*"))


def _has_cgroups() -> bool:
    group = Path("/sys/fs/cgroup")
    return (group / "cgroup.controllers").exists() or (group / "devices").is_dir()
