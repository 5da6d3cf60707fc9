"""A node whose login shell is hostile, and what no command may let it do."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

from tests.hostile import login_shell
from tests.lab.harness import Cluster, Result

SHELL = "/usr/local/bin/hostile-shell"
# What people see has no control characters, those of ISO 6429 above 127 included.
CONTROLS = [chr(c) for c in (*range(9), 11, 12, *range(14, 32), *range(127, 160))]
turn = itertools.count(31)

# What each command does to a cluster that serves.
COMMANDS = {
    "check": ("check",),
    "plan": ("plan",),
    "up": ("up", "--yes"),
    "verify": ("verify", "--timeout", "1"),
    "status": ("status",),
    "logs": ("logs",),
    "images": ("images push",),
    "support": ("support",),
    "unlock": ("unlock", "--yes"),
    "render": ("render",),
    "adopt": ("up", "--adopt", "--yes"),
    "prune": ("up", "--prune", "--yes"),
    "undrain": ("undrain", "NODE"),
    "drain": ("drain", "NODE"),
    "drill": ("drill", "--yes", "haproxy-kill"),
    "change": ("up", "--yes"),
    "rollback": ("up", "--rollback", "--yes"),
    "down": ("down", "--yes"),
}
CHANGING = ("drain", "undrain", "drill", "change", "rollback", "down")


class HostileNode:
    """One node of a cluster that serves."""

    def __init__(self, cluster: Cluster, node: str) -> None:
        self.cluster, self.node = cluster, node
        self.others = [other for other in cluster.lab.nodes if other != node]

    @contextlib.contextmanager
    def installed(self) -> Iterator[HostileNode]:
        """It has root's login shell."""
        program = Path(login_shell.__file__).read_text()
        self.cluster.lab.exec(
            self.node, ["sh", "-c", f"cat >{SHELL} && chmod 755 {SHELL}"], input=program
        )
        self._shell(SHELL)
        try:
            yield self
        finally:
            self.honest()
            self._shell("/bin/bash")
            self.cluster.node(self.node, f"rm -f {SHELL} {login_shell.LOG}")

    def _shell(self, path: str) -> None:
        self.cluster.node(self.node, rf"sed -i 's|^\(root:.*:\)[^:]*$|\1{path}|' /etc/passwd")

    def honest(self) -> None:
        """It executes every script from now on."""
        self.cluster.node(self.node, f"rm -f {login_shell.ORDERS}")

    def orders(self, when: str, reply: str) -> None:
        """From now on it answers so."""
        self.cluster.lab.exec(
            self.node,
            ["sh", "-c", f"rm -f {login_shell.LOG}; cat >{login_shell.ORDERS}"],
            input=json.dumps({"when": when, "reply": reply}),
        )

    @property
    def answered(self) -> int:
        """How many scripts it has answered as it was ordered to."""
        return int(self.cluster.node(self.node, f"cat {login_shell.LOG} | wc -l", check=False))

    def run(self, command: str, when: str, reply: str, *more: str) -> Result:
        """Run a command while the node answers so."""
        self.honest()
        if command == "change":
            self.cluster.inventory["haproxy"] = {"hard_stop_after": f"{next(turn)}s"}
        if command == "undrain":
            self.cluster.ok("drain", self.node)
        if command == "drain":
            self.cluster.ok("undrain", self.node)
        self.orders(when, reply)
        words = [self.node if word == "NODE" else word for word in COMMANDS[command]]
        if command in ("support", "render"):
            words += ["-o", str(self.cluster.folder / f"{command}{next(turn)}")]
        return self.cluster.run(*words, *more)

    def problems(self, command: str, when: str, reply: str) -> list[str]:
        """What such a node gets a command to do that none may do; [] if that is nothing.

        A teardown that has begun is repaired.
        """
        reported = f"{command}, {when}: {reply}"
        result = self.run(command, when, reply)
        self.honest()
        said = result.out + result.err
        found = []
        if "internal error" in said or "Traceback" in said:
            found.append(f"{reported}: {said[-300:]}")
        if controls := [c for c in CONTROLS if c in said]:
            found.append(f"{reported}: prints {controls!r}")
        if result.code not in range(8):
            found.append(f"{reported}: exit code {result.code}")
        if result.code and self.node not in said:
            found.append(f"{reported}: does not name {self.node}: {said[-300:]}")
        if command == "down" and (when != "looking" or not result.code):
            self.cluster.ok("up", "--yes", "--lock-wait", "130")
        if not self.cluster.request():
            found.append(f"{reported}: the VIP does not serve")
        return found

    def others_now(self) -> dict[str, str]:
        """The state of the other nodes."""
        snapshot = self.cluster.snapshot()
        return {node: snapshot[node] for node in self.others}
