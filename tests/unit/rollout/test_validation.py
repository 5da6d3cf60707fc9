"""What is shown of a configuration that was refused, or that a program warns of."""

from __future__ import annotations

import dataclasses

import pytest

from hadeploy.desired import layout
from hadeploy.desired.desired_node import DesiredNode
from hadeploy.errors import HadeployError
from hadeploy.plan.rolling import make_plan
from hadeploy.rollout.try_files import roles_to_validate
from hadeploy.rollout.validation import ConfigWarning, config_warnings, merged, refused_lines
from hadeploy.scripts.protocol import Message, Reply, parse_line
from tests.unit import builders

RENDERED = 'global\n    nosuchword 1\n    auth_pass "canary"\n'


@pytest.mark.parametrize(
    ("said", "lines"),
    [
        ("parsing [/usr/local/etc/haproxy/haproxy.cfg:2] : unknown", ["line 2: nosuchword 1"]),
        ("(/etc/keepalived/keepalived.conf: Line 2) Unknown", ["line 2: nosuchword 1"]),
        ("haproxy.cfg:3] twice haproxy.cfg:3]", ["line 3: auth_pass (redacted)"]),
        ("haproxy.cfg:99] : no such line; haproxy.cfg:0]", []),
        ("Fatal errors found", []),
    ],
)
def test_the_rendered_line_is_shown(said: str, lines: list[str]) -> None:
    assert refused_lines(said, RENDERED) == lines


# haproxy 2.6.12 and 3.0.11, `haproxy -c` with exit code 0.
WARNED = """\
[NOTICE]   (1) : haproxy version is 2.6.12-1+deb12u3
[NOTICE]   (1) : path to executable is /usr/local/sbin/haproxy
[WARNING]  (1) : config : parsing [{0}:2] : 'fullconn' ignored because frontend 'a' has no backend \
capability. Maybe you want 'maxconn' instead ?
[WARNING]  (1) : config : missing timeouts for frontend 'a'.
   | While not properly invalid, you will certainly encounter various problems
   | with such a configuration.
[WARNING]  (1) : config : config: Can't open global server state file \
'/usr/local/etc/haproxy/server-state': No such file or directory
[NOTICE]   (1) : config : config: Can't open global server state file
Warnings were found.
Configuration file is valid
"""
# docker-ce-cli and docker.io 20.10.24.
RLIMIT = (
    "docker: Error response from daemon: failed to create shim task: OCI runtime create failed: "
    "runc create failed: unable to start container process: error during container init: error "
    "setting rlimits for ready process: error setting rlimit type 7: operation not permitted: "
    "unknown\n\nRun 'docker run --help' for more information"
)
NO_PROGRAM = (
    'docker: Error response from daemon: OCI runtime create failed: exec: "haproxy": executable '
    "file not found in $PATH: unknown"
)
LOG = (
    "docker: Error response from daemon: failed to initialize logging driver: max-size must be a "
    "positive number"
)


def node(content: str = "global\n    fullconn 10\n") -> DesiredNode:
    of = builders.desired(builders.cluster())["n1"]
    files = tuple(
        dataclasses.replace(file, content=content) if file.path == layout.HAPROXY_CFG else file
        for file in of.files
    )
    return dataclasses.replace(of, files=files)


def reply(*messages: tuple[str, str]) -> Reply:
    found = []
    for kind, text in messages:
        message = parse_line(f"@t {kind}", "t")
        assert message
        found.append(Message(message.kind, message.words, text.splitlines()))
    return Reply(tuple(found), 0)


@pytest.mark.parametrize("place", ["/dev/stdin", "/usr/local/etc/haproxy/haproxy.cfg"])
def test_a_warning_of_haproxy_is_reported_with_its_line(place: str) -> None:
    said = reply(("validating haproxy", WARNED.format(place)), ("validating keepalived", ""))
    first, second = config_warnings(said, node(), "validating")
    assert first.message == (
        "'fullconn' ignored because frontend 'a' has no backend capability. "
        "Maybe you want 'maxconn' instead ?"
    )
    assert first.line == "line 2: fullconn 10"
    assert second.message.startswith("missing timeouts for frontend 'a'. While not properly")
    assert second.line == ""


def test_a_warning_of_several_nodes_is_reported_once() -> None:
    same = [ConfigWarning("haproxy", "m", "l", (n,)) for n in ("n1", "n2", "n1")]
    other = ConfigWarning("haproxy", "other", "l", ("n2",))
    assert merged([*same, other]) == [
        ConfigWarning("haproxy", "m", "l", ("n1", "n2")),
        other,
    ]


def test_a_secret_that_a_program_quotes_is_redacted() -> None:
    config = 'global\n    stats auth admin:canary\n    fullconn 10 token "canary"\n'
    said = "[WARNING]  (1) : config : parsing [/dev/stdin:2] : 'admin:canary' and canary\x1b[31m"
    (warning,) = config_warnings(reply(("validating haproxy", said)), node(config), "validating")
    assert "canary" not in warning.message + warning.line
    assert "\x1b" not in warning.message
    with pytest.raises(HadeployError) as refused:
        config_warnings(
            reply(("validating haproxy", said), ("refused haproxy 1", "")),
            node(config),
            "validating",
        )
    assert "canary" not in str(refused.value.detail)


@pytest.mark.parametrize(
    ("kind", "said", "hint"),
    [
        ("not-started haproxy", RLIMIT, "lower haproxy.maxconn, or raise LimitNOFILE"),
        ("not-started haproxy", NO_PROGRAM, "does the image have the program"),
        ("not-started haproxy", LOG, "correct containers.log_max_size"),
        (
            "not-started haproxy",
            "docker: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the "
            "docker daemon running?",
            "systemctl start docker",
        ),
        ("not-started haproxy", "docker: something new", "`docker info` there"),
        ("failed", "install: No space left on device", "free some space on the file system of"),
        ("failed", "mkdir: Read-only file system", "mount it writable"),
        ("failed", "mkdir: something new", "is there space, and may root write there?"),
    ],
)
def test_the_hint_fits_what_came_back(kind: str, said: str, hint: str) -> None:
    with pytest.raises(HadeployError) as refused:
        config_warnings(reply(("validating haproxy", said), (kind, "")), node(), "validating")
    assert refused.value.hint is not None
    assert hint in refused.value.hint
    assert said.splitlines()[0] in str(refused.value.detail)
    assert "docker run --help" not in str(refused.value.detail)


def test_only_programs_that_change_and_are_there_are_tried() -> None:
    before = builders.healthy(builders.cluster())
    cluster = builders.cluster(haproxy={"maxconn": 900})
    desired = builders.desired(cluster)
    plan = make_plan(cluster, desired, before)
    assert roles_to_validate(plan, "n1", desired["n1"], before["n1"]) == ["haproxy"]
    without = dataclasses.replace(before["n1"], images={})
    assert roles_to_validate(plan, "n1", desired["n1"], without) == []
    same = make_plan(builders.cluster(), builders.desired(builders.cluster()), before)
    assert roles_to_validate(same, "n1", desired["n1"], before["n1"]) == []
