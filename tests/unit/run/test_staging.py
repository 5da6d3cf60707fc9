"""What is shown of a configuration that was refused."""

from __future__ import annotations

import pytest

from hadeploy.run.staging import refused_lines

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
