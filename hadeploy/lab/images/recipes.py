"""The recipes of the stand-in images, as data.

A recipe has the same paths, user, entrypoint, signals and programs as the real image. The official
haproxy image is Debian without procps, so it has no `kill` program, only the shells' builtin. The
osixia images are Alpine, so their tools are those of busybox.
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
    """A file to copy into the image: `source` is its name in the `files` folder."""

    source: str
    mode: int = 0o755


@dataclass(frozen=True)
class Recipe:
    """The recipe of one image.

    Args:
        reference: the reference of the real image.
        suite: the Debian suite with that version.
        program: the main program, which must report `version`.
        version: its version.
        packages: the Debian packages with the programs.
        tools: other programs, by name; their libraries are included.
        busybox: whether all other tools are from busybox.
        files: files to copy, by absolute path.
        folders: empty folders: (path, mode, owner).
        accounts: lines of passwd and group in addition to root and nobody: (name, id, home).
        moved: the path of a file in the Debian build of the program, which a mount may hide, and
            its path in the real image, which must not be longer.
        config: the inner part of the image configuration, as in the OCI image specification.
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
        # keepalived 2.3 does not start without this file.
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
