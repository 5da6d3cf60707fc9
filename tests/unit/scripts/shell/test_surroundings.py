"""The files that a foreign haproxy.cfg depends on, as a node's shell reads them."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from hadeploy.observe.parse_surroundings import parse_environment, parse_names
from hadeploy.scripts.protocol import Message, Reply, parse_line
from tests.unit.scripts.fragments import fragment

CONFIG = """\
frontend f
    bind "*:${PORT}"
    log-tag "$TAG"
backend b
    server a cp1.example:6443 check   # ${COMMENTED}
    server b "${HOST}:6443"
    server c ipv4@cp3.example:6443
    server d 198.51.100.4:6443
    server e "[2001:db8::5]:6443"
    server f $:1
    server g $(touch${IFS}/tmp/never):1
"""
HOSTS = """\
127.0.0.1 localhost
198.51.100.1 cp1.example cp1 # the first
198.51.100.2 cp2.example
198.51.100.3 x cp3.example
"""
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "PORT": "9443",
    "HOST": "cp2.example",
    "TAG": "two\nlines",
    "SECRET": "canary",
    "PORT_2": "canary",
}


def read(script: str, variables: dict[str, str]) -> Reply:
    whole = fragment("surroundings.sh", main=script, **variables)
    done = subprocess.run(
        ["sh"],
        input=whole,
        text=True,
        timeout=30,
        check=True,
        stdout=subprocess.PIPE,
        env=ENVIRONMENT,
    )
    messages: list[Message] = []
    for line in done.stdout.split("\n"):
        message = parse_line(line, "t")
        if message:
            messages.append(message)
        elif messages:
            messages[-1].body.append(line)
    return Reply(tuple(messages), 0)


def test_only_the_variables_and_names_of_the_configuration_are_read(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "hosts").write_text(HOSTS)
    (tmp_path / "haproxy.cfg").write_text(CONFIG)
    reply = read(f"surroundings c1 {tmp_path} $$ {tmp_path}/haproxy.cfg", {})
    about = ("haproxy", "c1")
    variables = parse_environment(reply, about)
    assert {name: variables.get(name) for name in ("PORT", "HOST", "TAG")} == {
        "PORT": "9443",
        "HOST": "cp2.example",
        "TAG": "two lines",
    }
    assert "canary" not in str(variables)
    assert parse_names(reply, about) == {
        "cp1.example": "198.51.100.1",
        "cp2.example": "198.51.100.2",
        "cp3.example": "198.51.100.3",
    }


@pytest.mark.parametrize(
    ("owner", "published"),
    [("docker-proxy", ["9443 registry"]), ("dockerd", ["9443 registry"]), ("haproxy", [])],
)
def test_the_engine_is_queried_only_for_a_listener_port_that_it_holds(
    owner: str, published: list[str]
) -> None:
    sockets = (
        f'LISTEN 0 4096 0.0.0.0:9443 0.0.0.0:* users:(("{owner}",pid=5,fd=4))\n'
        'LISTEN 0 4096 0.0.0.0:80 0.0.0.0:* users:(("docker-proxy",pid=6,fd=4))\n'
        'LISTEN 0 4096 127.0.0.1:19443 0.0.0.0:* users:(("haproxy",pid=7,fd=4))\n'
    )
    script = f"""docker() {{ echo registry; }}
        hd_sockets={shlex.quote(sockets)}
        observe_publishers"""
    reply = read(script, {"HD_OWN_PORTS": "9443 19443"})
    assert [" ".join(m.words) for m in reply.all("publisher")] == published
