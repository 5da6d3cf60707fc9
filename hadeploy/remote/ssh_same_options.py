"""Finds out whether all hosts have the same SSH options, so that one `ssh -G` is enough."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from hadeploy.remote.ssh_options import Dump, Query
from hadeploy.remote.ssh_variables import files_read

# ssh_config(5): keywords are case-insensitive, and may be followed by `=`.
_BLOCK = re.compile(r"\s*(host|match)[\s=]+(.*?)\s*", re.IGNORECASE)
_EVERY_HOST = "*"


@dataclass(frozen=True)
class SharedDump:
    """The output of `ssh -G` for one host, with a config that does not depend on the host.

    Attributes:
        query: the host of the output.
        dump: the parsed output.
        debug: stderr of `ssh -vv`.
    """

    query: Query
    dump: Dump
    debug: str

    def for_host(self, query: Query) -> Dump | None:
        """The output for another host; None if it may differ.

        Args:
            query: must be the same except for the host.
        """
        first = self.query
        if (query.user, query.port, query.jump) != (first.user, first.port, first.jump):
            return None
        if query.host != query.host.lower():
            return None
        names = {key: (query.host,) for key in ("host", "hostname") if key in self.dump}
        return {**self.dump, **names}


def shared_dump(query: Query, dump: Dump, debug: str) -> SharedDump | None:
    """The output as valid for all hosts; None if the config depends on the host.

    Args:
        query: the host of the output.
        dump: the parsed output.
        debug: stderr of `ssh -vv`; it names all files that were read, also those of an Include in
            a block that does not apply (OpenSSH, readconf.c).
    """
    changed = dump.get("hostname") != (query.host,)
    rewritten = dump.get("canonicalizehostname", ("false",)) not in (("false",), ("no",))
    if (
        changed
        or rewritten
        or not all(_is_about_every_host(Path(file)) for file in files_read(debug))
    ):
        return None
    return SharedDump(query, dump, debug)


def _is_about_every_host(file: Path) -> bool:
    try:
        lines = file.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return False
    blocks = [block for line in lines if (block := _BLOCK.fullmatch(line))]
    return all(block[1].lower() == "host" and block[2] == _EVERY_HOST for block in blocks)
