"""What breaks, when and where, and what may come of it: the table that test_faults.py goes through.

faults_document.py makes docs/faults.md of what came of it.
"""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from typing import Literal

from hadeploy.lab.lab import Lab

SSHD = "/usr/sbin/sshd -f /etc/ssh/sshd_config -E /var/log/sshd.log"
ALL_OF = "docker top %s -eo pid | tail -n +2 | xargs kill -KILL"
TAKE_9444 = (
    "python3 -c \"import socket, time; s = socket.create_server(('', 9444)); time.sleep(600)\" "
    ">/dev/null 2>&1 & echo $! >/run/taker.pid; "
    "until ss -Hltn sport = :9444 | grep -q .; do sleep 0.05; done"
)
# Both programs that our scripts ask for the time, a day ahead: no namespace has a clock of its own.
TOMORROW = """cat >/usr/local/bin/date <<'END'
#!/bin/sh
exec /usr/bin/date --date=tomorrow "$@"
END
cat >/usr/local/bin/stat <<'END'
#!/bin/sh
case $* in *%Y*) echo $(($(/usr/bin/stat "$@") + 86400)) ;; *) exec /usr/bin/stat "$@" ;; esac
END
chmod 755 /usr/local/bin/date /usr/local/bin/stat"""

When = Literal[
    "before the run",
    "connecting",
    "looking",
    "locking",
    "loading images",
    "sending an image",
    "validating",
    "reloading haproxy",
    "recreating haproxy",
    "proving haproxy",
    "handing over",
    "recording",
    "another node's turn",
    "verifying",
]
# Its line of progress (tests/lab/faulty.py).
MOMENTS: dict[When, str] = {
    "connecting": "Connect",
    "looking": "Observe",
    "locking": "Validate",
    "loading images": "Images",
    "sending an image": "{node} sending",
    "validating": "{node} checking the haproxy",
    "reloading haproxy": "{node} reloading kube-lb-haproxy",
    "recreating haproxy": "{node} recreating kube-lb-haproxy",
    "proving haproxy": "{node} proving kube-lb-haproxy",
    "handing over": "{node} handing over",
    "recording": "{node} recording",
    "another node's turn": "{other} recording",
    "verifying": "Settle",
}


@dataclass(frozen=True)
class Fault:
    """Something that breaks on one node.

    Attributes:
        name: for people.
        inject: what breaks it: shell on the node, or `lab.METHOD` of the Lab with the node.
        heal: what its owner does about it, likewise; nothing else is done by hand.
        prepare: shell on the node before hadeploy changes it.
        undo: takes that away.
    """

    name: str
    inject: str = ":"
    heal: str = ":"
    prepare: str = ""
    undo: str = ""

    def command(self, lab: Lab, node: str, script: str) -> str:
        """The command of this machine that does `inject` or `heal`."""
        if script.startswith("lab."):
            call = f"Lab.find('{lab.name}').{script[4:]}('{node}')"
            line = f"from hadeploy.lab.lab import Lab; {call}"
            return shlex.join([sys.executable, "-c", line])
        argv, environment = lab.exec_command(node, ["sh", "-c", script])
        return shlex.join(["env", "-i", *(f"{k}={v}" for k, v in environment.items()), *argv])


@dataclass(frozen=True)
class Row:
    """A fault at a moment on a node.

    Attributes:
        fault: what breaks.
        when: at which moment of `up`.
        node: where.
        code: how `up` ends; several where that is a matter of who is first.
        sees: what the error says, as a pattern; "" if there is none.
        change: what `up` is to do (test_faults.py).
        silence: seconds for which clients may go without an answer; 0: no request fails.
        quick: whether `make test` runs it.
    """

    fault: Fault
    when: When
    node: Literal["backup", "holder"]
    code: int | tuple[int, ...]
    sees: str = ""
    change: str = "config"
    silence: float = 0
    quick: bool = False

    @property
    def name(self) -> str:
        """For test ids and for looking it up."""
        return f"{self.fault.name}, {self.when}, {self.node}"

    def moment(self, node: str, other: str) -> str:
        """The line of progress at which it breaks; "" for before the run."""
        return MOMENTS.get(self.when, "").format(node=node, other=other)


NO_SSHD = Fault("no SSH server", 'kill "$(cat /run/sshd.pid)"', SSHD)
# Connections outlive the server that accepted them.
SSHD_RESTARTS = Fault(
    "SSH server restarts",
    f"""kill "$(cat /run/sshd.pid)"; while ss -Hltn sport = :22 | grep -q .; do sleep 0.05; done
    {SSHD}; until ss -Hltn sport = :22 | grep -q .; do sleep 0.05; done""",
)
SSH_CUT = Fault("SSH connections cut", 'pkill -KILL -P "$(cat /run/sshd.pid)"')
SSH_DROPPED = Fault(
    "firewall drops SSH",
    "iptables -I INPUT -p tcp --dport 22 -j DROP",
    "iptables -D INPUT -p tcp --dport 22 -j DROP",
)
LINK_DOWN = Fault("interface down", "ip link set eth0 down", "ip link set eth0 up")
POWER_CUT = Fault("power cut", "lab.stop_node", "lab.start_node")
DOCKERD = "pid=$(cat /run/docker.pid); cp /proc/$pid/cmdline /run/dockerd.command; kill"
START_DOCKERD = """
(setsid xargs -0 -a /run/dockerd.command env </dev/null >>/var/log/dockerd.log 2>&1 &)
until docker version >/dev/null 2>&1; do sleep 0.1; done"""
DOCKER_STOPPED = Fault(
    "dockerd stopped",
    f"{DOCKERD} -TERM $pid; while kill -0 $pid 2>/dev/null; do sleep 0.05; done",
    START_DOCKERD,
)
DOCKER_CRASHED = Fault("dockerd crashed", f"{DOCKERD} -KILL $pid", START_DOCKERD)
DOCKER_HANGS = Fault(
    "dockerd hangs", "kill -STOP $(cat /run/docker.pid)", "kill -CONT $(cat /run/docker.pid)"
)
# It is the parent of the container's first process.
SHIM_HANGS = Fault(
    "containerd-shim hangs",
    "ps -o ppid= -p $(docker inspect --format '{{.State.Pid}}' kube-lb-haproxy) >/run/shim.pid "
    "&& kill -STOP $(cat /run/shim.pid)",
    "kill -CONT $(cat /run/shim.pid)",
)
ETC_READ_ONLY = Fault(
    "read-only /etc", "mount --bind /etc /etc && mount -o remount,bind,ro /etc", "umount -l /etc"
)
DISK_FULL = Fault(
    "disk full",
    "dd if=/dev/zero of=/etc/hadeploy/fill bs=1k 2>/dev/null; :",
    "rm /etc/hadeploy/fill",
    prepare="mkdir -p /etc/hadeploy && mount -t tmpfs -o size=64m tmpfs /etc/hadeploy",
    undo="umount -l /etc/hadeploy",
)
DOCKER_DISK_FULL = Fault(
    "Docker's disk full",
    "fallocate -l 1g /var/lib/docker/fill 2>/dev/null || dd if=/dev/zero of=/var/lib/docker/fill "
    "bs=1M 2>/dev/null; :",
    "rm /var/lib/docker/fill",
    prepare=f"{DOCKER_STOPPED.inject}; mount -t tmpfs -o size=1g tmpfs /var/lib/docker; "
    f"{START_DOCKERD}",
    undo=f"{DOCKER_STOPPED.inject}; umount -l /var/lib/docker; {START_DOCKERD}",
)
ARCHIVE_TRUNCATED = Fault("image archive truncated")
CONTAINER_EXITS = Fault(
    "container exits at once",
    "ip address del 192.0.2.99/32 dev lo",
    "ip address add 192.0.2.99/32 dev lo",
)
PORT_STOLEN = Fault("port stolen after the checks", TAKE_9444, "kill $(cat /run/taker.pid)")
CLOCK_JUMPS = Fault("clock jumps a day", TOMORROW, "rm /usr/local/bin/date /usr/local/bin/stat")
# Too little memory for the container, taken by a process in it: the kernel kills haproxy.
OUT_OF_MEMORY = """set -e
pid=$(docker inspect --format '{{.State.Pid}}' kube-lb-haproxy)
group=$(sed -n 's/^[0-9]*:memory://p' /proc/$pid/cgroup)
case $group in
'') group=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/$pid/cgroup) limit=memory.max none=max ;;
*) group=/sys/fs/cgroup/memory$group limit=memory.limit_in_bytes none=-1 ;;
esac
echo 16M >$group/$limit
sh -c 'echo $$ >"$1"; exec dd if=/dev/zero of=/run/fill bs=1M count=64' sh $group/cgroup.procs || :
rm -f /run/fill
{ echo $none >$group/$limit; } 2>/dev/null || :
timeout 10 sh -c 'while kill -0 "$1"; do sleep 0.05; done' sh "$pid" 2>/dev/null
"""
OOM = Fault("haproxy OOM-killed", OUT_OF_MEMORY)
KEEPALIVED_KILLED = Fault("keepalived SIGKILLed", ALL_OF % "kube-lb-keepalived")
ORPHAN = Fault("keepalived killed for good", "docker kill kube-lb-keepalived")

# Changes that take the backends down; what breaks is the inventory (test_faults.py).
WRONG_PORT = Fault("backends go down with the change: typo in backend_port")
WRONG_PATH = Fault("backends go down with the change: check.path answers 403")
REFUSED_CHECK = Fault("backends go down with the change: check answers 401")
WRONG_PORT_ADOPTED = Fault("backends go down with the change: adopting with a wrong backend_port")

# Changes after which the checks of the backends pass, and clients are not served.
NOT_UNDERSTOOD = Fault("backends do not understand haproxy: send-proxy")
TLS_IN_TLS = Fault("backends do not understand haproxy: TLS in TLS")
ON_LOOPBACK = Fault("a listener on loopback only")

# A holder that is gone is noticed after three adverts; a client's second try comes a second later,
# the third three seconds later.
FAIL_OVER = 8
# The API server of a node that is cut off refuses nothing, it swallows: who was sent there waits
# for `timeout connect` (5 s), and may do so after a fail-over.
DARK = 15
# Whether the silence is noticed or an end: a matter of what the node's kernel still says.
LOST = "no sign of life|the connection was lost"

ROWS = [
    Row(NO_SSHD, "before the run", "backup", 3, "Connection refused", quick=True),
    Row(NO_SSHD, "before the run", "holder", 3, "Connection refused"),
    Row(NO_SSHD, "connecting", "backup", 3, "Connection refused"),
    Row(SSHD_RESTARTS, "connecting", "backup", 0),
    Row(SSHD_RESTARTS, "validating", "backup", 0),
    Row(SSHD_RESTARTS, "reloading haproxy", "holder", 0),
    Row(SSH_CUT, "looking", "backup", 3, LOST),
    Row(SSH_CUT, "locking", "holder", 1, LOST),
    Row(SSH_CUT, "sending an image", "backup", 1, LOST, "image", quick=True),
    Row(SSH_CUT, "validating", "backup", 1, LOST),
    Row(SSH_CUT, "recreating haproxy", "backup", 1, LOST, "image"),
    Row(SSH_CUT, "recreating haproxy", "holder", 1, LOST, "image"),
    Row(SSH_CUT, "handing over", "holder", 1, LOST, "image"),
    Row(SSH_CUT, "recording", "backup", 1, LOST),
    Row(SSH_CUT, "recording", "holder", 1, LOST),
    Row(SSH_CUT, "verifying", "holder", 1, LOST),
    Row(SSH_DROPPED, "before the run", "holder", 3, "no answer within"),
    Row(SSH_DROPPED, "validating", "backup", 1, LOST),
    Row(SSH_DROPPED, "reloading haproxy", "holder", 1, LOST),
    Row(LINK_DOWN, "before the run", "backup", 3, "no answer within", silence=DARK),
    Row(LINK_DOWN, "looking", "holder", 3, LOST, silence=DARK),
    Row(LINK_DOWN, "recreating haproxy", "backup", 1, LOST, "image", silence=DARK),
    Row(LINK_DOWN, "another node's turn", "holder", 1, LOST, silence=DARK),
    Row(LINK_DOWN, "reloading haproxy", "holder", 1, LOST, silence=DARK),
    Row(LINK_DOWN, "locking", "backup", (1, 3), LOST, silence=DARK),
    Row(LINK_DOWN, "verifying", "backup", 1, LOST, silence=DARK),
    Row(LINK_DOWN, "verifying", "holder", 1, LOST, silence=DARK),
    Row(POWER_CUT, "validating", "backup", 1, LOST, silence=DARK),
    Row(POWER_CUT, "recreating haproxy", "backup", 1, LOST, "image", silence=DARK),
    Row(POWER_CUT, "reloading haproxy", "holder", 1, LOST, silence=DARK),
    Row(POWER_CUT, "handing over", "holder", 1, LOST, "image", silence=DARK),
    Row(DOCKER_STOPPED, "before the run", "backup", 3, "engine does not answer"),
    Row(DOCKER_STOPPED, "recreating haproxy", "backup", 1, "[Dd]ocker", "image"),
    Row(DOCKER_STOPPED, "another node's turn", "holder", 1, "[Dd]ocker", silence=FAIL_OVER),
    Row(DOCKER_STOPPED, "verifying", "backup", 4, "engine does not answer"),
    Row(DOCKER_CRASHED, "before the run", "holder", 3, "does not answer", silence=FAIL_OVER),
    Row(DOCKER_CRASHED, "sending an image", "backup", 1, "[Dd]ocker", "image"),
    Row(DOCKER_CRASHED, "validating", "backup", (1, 3), "[Dd]ocker"),
    Row(DOCKER_CRASHED, "recreating haproxy", "backup", 1, "[Dd]ocker", "image"),
    Row(DOCKER_CRASHED, "recreating haproxy", "holder", 1, "[Dd]ocker", "image", FAIL_OVER),
    Row(DOCKER_HANGS, "before the run", "backup", 3, "dockerd"),
    Row(DOCKER_HANGS, "validating", "backup", 1, "dockerd"),
    Row(DOCKER_HANGS, "sending an image", "backup", 1, "dockerd", "image"),
    Row(DOCKER_HANGS, "recreating haproxy", "backup", 1, "", "image"),
    Row(DOCKER_HANGS, "recreating haproxy", "holder", 1, "", "image"),
    Row(DOCKER_HANGS, "verifying", "holder", 1, "dockerd"),
    Row(SHIM_HANGS, "before the run", "backup", 0),
    Row(SHIM_HANGS, "validating", "holder", 0),
    Row(SHIM_HANGS, "validating", "backup", 1, "docker stop", "image"),
    Row(DISK_FULL, "before the run", "backup", 3, "are free for", quick=True),
    Row(DISK_FULL, "another node's turn", "holder", 1, "No space left"),
    Row(DISK_FULL, "recreating haproxy", "backup", 1, "No space left", "image"),
    Row(DISK_FULL, "recreating haproxy", "holder", 1, "No space left", "image"),
    Row(DOCKER_DISK_FULL, "loading images", "backup", 1, "no space left", "first"),
    Row(ETC_READ_ONLY, "before the run", "backup", 3, "read-only file system"),
    Row(ETC_READ_ONLY, "another node's turn", "holder", 1, "Read-only file system"),
    Row(ETC_READ_ONLY, "recreating haproxy", "backup", 1, "Read-only file system", "image"),
    Row(ETC_READ_ONLY, "recreating haproxy", "holder", 1, "Read-only file system", "image"),
    Row(
        ARCHIVE_TRUNCATED,
        "before the run",
        "backup",
        2,
        "not an archive of `docker save`",
        "truncated",
    ),
    Row(WRONG_PORT, "before the run", "backup", 1, "backend_port: 6443 -> 6444", "backend port"),
    Row(WRONG_PATH, "before the run", "backup", 1, "L7STS/403 Forbidden", "check path"),
    Row(REFUSED_CHECK, "before the run", "backup", 1, "L7STS/401 Unauthorized", "check type"),
    Row(WRONG_PORT_ADOPTED, "before the run", "backup", 1, "L4CON", "adopted backend port"),
    Row(NOT_UNDERSTOOD, "before the run", "backup", 1, "answered HTTP before", "send-proxy"),
    Row(TLS_IN_TLS, "before the run", "backup", 1, "answered TLS before", "ssl"),
    Row(ON_LOOPBACK, "before the run", "backup", 1, "listens on 127.0.0.1:9443 only", "loopback"),
    Row(CONTAINER_EXITS, "validating", "backup", 1, "cannot bind", "exits"),
    Row(CONTAINER_EXITS, "validating", "holder", 1, "cannot bind", "exits"),
    Row(PORT_STOLEN, "validating", "backup", 1, "port 9444 is taken by python3", "port"),
    Row(PORT_STOLEN, "validating", "holder", 1, "port 9444 is taken by python3", "port"),
    Row(CLOCK_JUMPS, "looking", "backup", 0),
    Row(CLOCK_JUMPS, "proving haproxy", "backup", 0, "", "image"),
    Row(CLOCK_JUMPS, "proving haproxy", "holder", 0, "", "image"),
    Row(OOM, "before the run", "holder", 0, silence=FAIL_OVER),
    Row(OOM, "validating", "backup", 0),
    Row(OOM, "validating", "holder", 0, silence=FAIL_OVER),
    Row(OOM, "proving haproxy", "backup", 0, "", "image"),
    Row(OOM, "proving haproxy", "holder", 0, "", "image"),
    Row(OOM, "verifying", "holder", 0, silence=FAIL_OVER),
    Row(KEEPALIVED_KILLED, "before the run", "holder", 0, silence=FAIL_OVER),
    Row(KEEPALIVED_KILLED, "validating", "backup", 0),
    Row(KEEPALIVED_KILLED, "validating", "holder", 0, silence=FAIL_OVER),
    Row(KEEPALIVED_KILLED, "another node's turn", "holder", (0, 1), "VIP", "image", FAIL_OVER),
    Row(KEEPALIVED_KILLED, "verifying", "holder", 0, silence=FAIL_OVER),
    Row(ORPHAN, "before the run", "holder", 0, silence=FAIL_OVER, quick=True),
    Row(ORPHAN, "validating", "holder", 1, "keepalived runs its check", silence=FAIL_OVER),
    Row(ORPHAN, "verifying", "holder", 4, "keepalived is exited", silence=FAIL_OVER),
]
