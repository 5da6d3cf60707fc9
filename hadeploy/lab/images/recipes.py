"""What the stand-in images are made of; pure data.

A recipe keeps what an operator of the real image can rely on: paths, user, entrypoint, signals and
the programs that are at hand inside. The official haproxy image is Debian without procps, so there
is no `kill` program in it (only the shells' own); the osixia images are Alpine, so their tools are
busybox's.
"""

from __future__ import annotations

from dataclasses import dataclass, field

_HAPROXY_TOOLS = (
    *("bash", "dash", "grep", "sed", "find", "xargs", "mawk", "cat", "chmod", "chown", "cp", "cut"),
    *("date", "dirname", "basename", "echo", "env", "false", "head", "id", "ln", "ls", "mkdir"),
    *("md5sum", "mktemp", "mv", "od", "printf", "pwd", "readlink", "realpath", "rm", "rmdir"),
    *("seq", "sha256sum", "sleep", "sort", "stat", "tail", "tee", "test", "timeout", "touch"),
    *("tr", "true", "uname", "uniq", "wc", "whoami", "hostname"),
)
_DEBIAN_TOOL_PACKAGES = (
    *("bash", "dash", "coreutils", "grep", "sed", "findutils", "mawk", "hostname", "libgcc-s1"),
)


@dataclass(frozen=True)
class Copied:
    """A file of ours in the image: `source` is its name in the `files` folder."""

    source: str
    mode: int = 0o755


@dataclass(frozen=True)
class Recipe:
    """How to make one image.

    Args:
        reference: the name and tag it stands in for.
        suite: the Debian suite with that version.
        program: the program the image is about, which must say `version`.
        version: its version.
        packages: what to take programs from.
        tools: other programs, by name; what they link to comes along.
        busybox: whether the other tools are busybox's.
        files: our own files, by absolute path.
        folders: empty folders: (path, mode, owner).
        accounts: lines for passwd and group besides root's and nobody's: (name, id, home).
        moved: a file that the program looks for where a mount may hide it, and where it is in the
            real image, which has other build paths; the new path must not be longer.
        config: the image configuration's inner part, as in the OCI image specification.
    """

    reference: str
    suite: str
    program: str
    version: str
    packages: tuple[str, ...]
    tools: tuple[str, ...]
    config: dict[str, object]
    busybox: bool = False
    files: dict[str, Copied] = field(default_factory=dict)
    folders: tuple[tuple[str, int, int], ...] = ()
    accounts: tuple[tuple[str, int, str], ...] = ()
    moved: tuple[tuple[str, str], ...] = ()


_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def _haproxy(version: str, suite: str, *, workdir: str) -> Recipe:
    return Recipe(
        reference=f"haproxy:{version}",
        suite=suite,
        program="haproxy",
        version=version,
        packages=("haproxy", *_DEBIAN_TOOL_PACKAGES),
        tools=_HAPROXY_TOOLS,
        files={"/usr/local/bin/docker-entrypoint.sh": Copied("haproxy-entrypoint.sh")},
        folders=(("/var/lib/haproxy", 0o755, 99), ("/usr/local/etc/haproxy", 0o755, 0)),
        accounts=(("haproxy", 99, "/var/lib/haproxy"),),
        config={
            "Env": [_PATH, f"HAPROXY_VERSION={version}"],
            "Entrypoint": ["docker-entrypoint.sh"],
            "Cmd": ["haproxy", "-f", "/usr/local/etc/haproxy/haproxy.cfg"],
            "User": "haproxy",
            "StopSignal": "SIGUSR1",
            "WorkingDir": workdir,
        },
    )


def _keepalived_classic(version: str, suite: str) -> Recipe:
    service = "/container/service/keepalived"
    return Recipe(
        reference=f"osixia/keepalived:{version}",
        suite=suite,
        program="keepalived",
        version=version,
        packages=("keepalived", "bash", "busybox", "libgcc-s1"),
        tools=("bash",),
        busybox=True,
        files={
            "/container/tool/run": Copied("classic-run.sh"),
            "/container/tool/delete-virtual-addresses": Copied("classic-addresses.sh"),
            "/container/environment/99-default/default": Copied("classic-defaults", 0o644),
            f"{service}/startup.sh": Copied("classic-startup.sh"),
            f"{service}/process.sh": Copied("classic-process.sh"),
            f"{service}/finish.sh": Copied("classic-finish.sh"),
            f"{service}/assets/notify.sh": Copied("classic-notify.sh"),
            f"{service}/assets/keepalived.conf": Copied("keepalived.conf.template", 0o644),
        },
        folders=(("/usr/local/etc/keepalived", 0o755, 0), ("/etc/keepalived", 0o755, 0)),
        config={
            "Env": [_PATH, "LANG=C.UTF-8", "LC_ALL=C.UTF-8"],
            "Entrypoint": ["/container/tool/run"],
            "Cmd": None,
            "User": "",
            "WorkingDir": "",
        },
    )


def _keepalived_current(version: str, suite: str) -> Recipe:
    services = "/container/services"
    return Recipe(
        reference=f"osixia/keepalived:{version}",
        suite=suite,
        program="keepalived",
        version=version,
        packages=("keepalived", "bash", "busybox", "inotify-tools", "libgcc-s1"),
        tools=("bash", "inotifywait"),
        busybox=True,
        files={
            "/usr/sbin/container": Copied("current-container.sh"),
            "/container/environment/.env": Copied("current-defaults", 0o644),
            f"{services}/keepalived/assets/scripts/notify.sh": Copied("current-notify.sh"),
            f"{services}/keepalived-conf/assets/scripts/reload.sh": Copied("current-reload.sh"),
            f"{services}/keepalived-conf/assets/confs/keepalived.conf.template": Copied(
                "keepalived.conf.template", 0o644
            ),
        },
        # Without it keepalived 2.3 does not start at all.
        moved=(
            (
                "/etc/keepalived/keepalived.config-opts",
                "/usr/local/etc/keepalived/config-opts",
            ),
        ),
        folders=(("/usr/local/etc/keepalived", 0o755, 0), ("/etc/keepalived", 0o755, 0)),
        config={
            "Env": [
                _PATH,
                *("LANG=C.UTF-8", "LC_ALL=C.UTF-8"),
                f"CONTAINER_IMAGE=osixia/keepalived:{version}",
            ],
            "Entrypoint": ["/usr/sbin/container", "entrypoint"],
            "Cmd": None,
            "User": "",
            "WorkingDir": "",
        },
    )


RECIPES = {
    recipe.reference: recipe
    for recipe in (
        _haproxy("2.6.12", "bookworm", workdir=""),
        _haproxy("3.0.11", "trixie", workdir="/var/lib/haproxy"),
        _keepalived_classic("2.2.7", "bookworm"),
        _keepalived_current("2.3.3", "trixie"),
    )
}
