"""Versions, as the programs print them."""

from __future__ import annotations

import pytest

from hadeploy.drill.versions import parse_versions
from hadeploy.scripts.protocol import Message, Reply, ReplyParser


@pytest.mark.parametrize(
    ("program", "said", "version"),
    [
        (
            "haproxy",
            "HAProxy version 2.6.12-1+deb12u3 2025/10/03 - https://haproxy.org/",
            "2.6.12-1+deb12u3",
        ),
        ("haproxy", "HA-Proxy version 2.1.4 2020/04/02 - https://haproxy.org/", "2.1.4"),
        ("keepalived", "Keepalived v2.2.7 (01/16,2022)", "2.2.7"),
        ("Docker", "28.2.2", "28.2.2"),
        ("system", "Debian GNU/Linux 12 (bookworm)", "Debian GNU/Linux 12 (bookworm)"),
    ],
)
def test_the_number_is_enough(program: str, said: str, version: str) -> None:
    reply = Reply((Message("version", (program,), [said]),), 0)
    assert parse_versions(reply) == {program: version}
    # What arrives with the token of a run is checked, too.
    heard = ReplyParser("t", lambda _: None)
    heard.feed(f"@t version {program}")
    heard.feed(said)
    assert parse_versions(Reply(tuple(heard.messages), 0)) == {program: version}
