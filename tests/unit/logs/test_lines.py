"""Lines as docker and keepalived 2.2.7 really wrote them."""

from __future__ import annotations

import pytest

from hadeploy.logs.lines import message_of, parse_stamped, stamp
from hadeploy.scripts.lines import clean

# 2026-11-24T02:19:17Z
AT = 1795486757 * 10**9


@pytest.mark.parametrize(
    ("line", "parsed"),
    [
        (
            "2026-11-24T02:19:17.422213760Z Tue Nov 24 02:19:17 2026: (hadeploy) removing VIPs.",
            (AT + 422213760, "Tue Nov 24 02:19:17 2026: (hadeploy) removing VIPs."),
        ),
        ("2026-11-24T02:19:17.4Z   indented ", (AT + 400000000, "  indented ")),
        ("2026-11-24T02:19:17Z ", (AT, "")),
        ("2026-11-24T02:19:17Z", (AT, "")),
        # podman's docker speaks local time.
        ("2026-11-24T03:49:17.000000001+01:30 x", (AT + 1, "x")),
        ("2026-11-23T21:19:17-05:00 x", (AT, "x")),
        ("Error response from daemon: configured logging driver does not support reading", None),
        ("2026-13-24T02:19:17Z x", None),
        ("", None),
    ],
)
def test_a_line_is_its_time_and_the_rest(line: str, parsed: tuple[int, str] | None) -> None:
    assert parse_stamped(line) == parsed


def test_a_time_is_formatted_as_docker_reads_it() -> None:
    assert stamp(AT + 42) == "2026-11-24T02:19:17.000000042Z"
    assert stamp(AT + 673_999_999, 3) == "2026-11-24T02:19:17.673Z"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Zürich → n1", "Zürich → n1"),
        ("\x1b[2J\x1b[31mroot@n1:~#\x07", r"\x1b[2J\x1b[31mroot@n1:~#\x07"),
        ("a\tb\r", "a       b"),
        ("100%\r200%", r"100%\r200%"),
        # It would let what follows be read from right to left.
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\x9b31m", r"\x9b31m"),
    ],
)
def test_no_line_controls_the_terminal(text: str, shown: str) -> None:
    assert clean(text) == shown


OWN = "Tue Nov 24 02:19:17 2026: "


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        (f"{OWN}(hadeploy) Entering FAULT STATE", "(hadeploy) Entering FAULT STATE"),
        ("(hadeploy) Entering FAULT STATE", "(hadeploy) Entering FAULT STATE"),
        (f"{OWN}Printing parent data for process(1) on signal", None),
        (f"{OWN}Printing VRRP data for process(8) on signal", None),
        ("Printing VRRP stats for process(8) on signal", None),
        (f"{OWN}{OWN}x", f"{OWN}x"),
    ],
)
def test_a_log_of_keepalived_lacks_its_own_time_and_state_dumps(
    text: str, reported: str | None
) -> None:
    assert message_of("keepalived", text) == reported
    assert message_of("haproxy", text) == text, "a client may make haproxy log anything"
