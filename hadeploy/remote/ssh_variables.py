"""Unset environment variables in an SSH config: OpenSSH then refuses to connect."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from hadeploy.errors import ExitCode
from hadeploy.inventory.problems import printable
from hadeploy.remote.retry import PermanentError

# OpenSSH does not expand RevokedHostKeys, does not find the file, and refuses every host key.
KEYWORDS = (
    *("IdentityFile", "CertificateFile", "IdentityAgent", "UserKnownHostsFile"),
    "RevokedHostKeys",
)
_VARIABLE = re.compile(r"\$\{(\w+)\}")
# Of OpenSSH's vdollar_percent_expand.
_UNSET = re.compile(r"env var \$\{(\w+)\} has no value")
_READ = re.compile(r"debug1: Reading configuration data ([^\r\n]+)")
_MAX_BYTES = 1_000_000


class UnsetVariableError(Exception):
    """An option uses a variable that is not set.

    Args:
        keyword: the option; "" if unknown.
        variable: its name.
    """

    def __init__(self, keyword: str, variable: str) -> None:
        super().__init__(variable)
        self.keyword = keyword
        self.variable = variable

    def explained(self, files: Iterable[str]) -> PermanentError:
        """The error for the user.

        Args:
            files: the config files that were read; the message names those with the variable.
        """
        places = [place for file in files for place in _places(file, self.variable)]
        where = f"{', '.join(dict.fromkeys(places))}: " if places else ""
        whose = self.keyword or "an option"
        return PermanentError(
            f"{where}{whose} uses ${{{self.variable}}}, which is not set in the environment",
            operation="reading the SSH config",
            hint=f"set {self.variable} where hadeploy runs, or correct the SSH config",
            code=ExitCode.USAGE,
        )


def refuse_unset(dump: Mapping[str, tuple[str, ...]], environment: Mapping[str, str]) -> None:
    """Refuse options with a variable that is not set.

    Args:
        dump: keyword, in lower case, to values.
        environment: of this process.

    Raises:
        UnsetVariableError: for the first of them.
    """
    for keyword in KEYWORDS:
        for value in dump.get(keyword.lower(), ()):
            for variable in _VARIABLE.findall(value):
                if variable not in environment:
                    raise UnsetVariableError(keyword, variable)


def unset_variable(stderr: str) -> UnsetVariableError | None:
    """The unset variable in an error of ssh; None if there is none."""
    found = _UNSET.search(stderr)
    return UnsetVariableError("", found[1]) if found else None


def files_read(stderr: str) -> list[str]:
    """The config files that ssh has read, from `ssh -v`."""
    return list(dict.fromkeys(_READ.findall(stderr)))


def _places(file: str, variable: str) -> list[str]:
    try:
        with Path(file).open(encoding="utf-8", errors="replace") as opened:
            lines = opened.read(_MAX_BYTES).splitlines()
    except OSError:
        return []
    return [
        printable(f"{file} line {number}")
        for number, line in enumerate(lines, 1)
        if f"${{{variable}}}" in line and not line.lstrip().startswith("#")
    ]
