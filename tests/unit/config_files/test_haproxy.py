"""haproxy.cfg is split as haproxy splits it."""

from __future__ import annotations

from typing import Any

import pytest

from hadeploy.adopt.difference import block, flow_lines, merged, together
from hadeploy.config_files.haproxy import inherited, read_line, sections
from hadeploy.config_files.haproxy_values import duration, endpoint, microseconds


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('  bind "*:${PORT}" # comment', ["bind", "*:9443"]),
        ("bind *:9443#comment", ["bind", "*:9443"]),
        (r"a b\ c d\#e", ["a", "b c", "d#e"]),
        ('a \'b "$PORT"\' "c \\"d\\" \\$PORT"', ["a", 'b "$PORT"', 'c "d" $PORT']),
        ('a "$PORT/${MISSING}/${MISSING-x}"', ["a", "9443//x"]),
        ("a $PORT", ["a", "$PORT"]),
        ('a ""', ["a", ""]),
    ],
)
def test_a_line_is_split_into_words(line: str, words: list[str]) -> None:
    found = read_line(line, {"PORT": "9443"})
    assert found is not None
    assert list(found.words) == words


@pytest.mark.parametrize("line", ["", "   ", "# only a comment", "\t#"])
def test_an_empty_line_is_none(line: str) -> None:
    assert read_line(line, {}) is None


def test_the_configuration_sets_variables_itself() -> None:
    text = 'global\n setenv A 1\n presetenv B 2\n unsetenv C\n x "$A$B$C"\n resetenv B\n y "$A$B"'
    (section,) = sections(text, {"B": "kept", "C": "3"})
    assert section.value("x") == "1kept"
    assert section.value("y") == "kept"


def test_a_value_that_doubles_ends_somewhere() -> None:
    text = "global\n setenv A 0123456789\n" + ' setenv A "$A$A"\n' * 100
    (section,) = sections(text)
    assert len(section.lines[-1].words[2]) <= 2 * 4096


def test_lines_before_the_first_section_are_kept() -> None:
    first, second = sections(".if streq(a,a)\nglobal\n daemon\n")
    assert (first.kind, [line.text for line in first.lines]) == ("", [".if streq(a,a)"])
    assert second.kind == "global"


def test_defaults_apply_by_name_or_by_place() -> None:
    found = sections(
        "defaults a\ndefaults b from a\nlisten x from a\nlisten y\ndefaults\nlisten z\n"
    )
    chains = {s.name: [d.name for d in chain] for s, chain in inherited(found).items()}
    assert {name: chains[name] for name in "xyz"} == {"x": ["a"], "y": ["a", "b"], "z": [""]}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (":9443", ("*", (9443,))),
        ("*:9443", ("*", (9443,))),
        ("0.0.0.0:9443", ("*", (9443,))),
        ("ipv4@:9443", ("*", (9443,))),
        (":::9443", ("::", (9443,))),
        ("[::]:9443", ("::", (9443,))),
        ("ipv6@:9443", ("::", (9443,))),
        ("2001:DB8::1:6443", ("2001:db8::1", (6443,))),
        ("cp1.example:6443", ("cp1.example", (6443,))),
        ("198.51.100.1", ("198.51.100.1", ())),
        (":80-82", ("*", (80, 81, 82))),
        ("/run/x.sock", ("/run/x.sock", ())),
        ("unix@/run/x.sock", ("unix@/run/x.sock", ())),
    ],
)
def test_an_address_is_read(word: str, expected: tuple[str, tuple[int, ...]]) -> None:
    found = endpoint(word)
    assert (found.host, tuple(found.ports), found.word) == (*expected, word)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("20000", 20_000_000),
        ("20s", 20_000_000),
        ("500us", 500),
        ("1d", 86_400_000_000),
        ("x", None),
    ],
)
def test_times_have_one_unit(value: str, expected: int | None) -> None:
    assert microseconds(value) == expected


def test_an_inventorys_time_has_a_unit() -> None:
    assert [duration(v) for v in ("20000", "1500", "3600000", "20m", "0")] == [
        *("20s", "1500ms", "1h", "20m", "0")
    ]


def test_hints_are_merged_into_one_document() -> None:
    keeps: list[dict[str, Any]] = [
        {"listeners": [{"port": 9443, "balance": "source"}]},
        {"listeners": [{"port": 9443, "timeouts": {"client": "1h"}}, {"port": 1}]},
        {"templates": {"extra": {"defaults": "retries 1"}}},
        {"templates": {"extra": {"defaults": "fullconn 9"}}},
    ]
    assert flow_lines(keeps[1]) == ["listeners: [{port: 9443, timeouts: {client: 1h}}, {port: 1}]"]
    assert list(block(together(keeps))) == [
        "listeners:",
        "  - port: 9443",
        "    balance: source",
        "    timeouts:",
        "      client: 1h",
        "  - port: 1",
        "templates:",
        "  extra:",
        "    defaults: |",
        "      retries 1",
        "      fullconn 9",
    ]


def test_a_hint_for_a_node_goes_to_the_node_of_that_address() -> None:
    base = {"nodes": ["198.51.100.1", "198.51.100.2"]}
    hint = {"nodes": [{"address": "198.51.100.2", "priority": 9}]}
    assert merged(base, hint)["nodes"] == [
        {"address": "198.51.100.1"},
        {"address": "198.51.100.2", "priority": 9},
    ]
