"""What a node says, line by line, and that there is an end to it."""

from __future__ import annotations

import itertools

import pytest

from hadeploy.scripts.lines import MIB, OutputTooLongError, lines_of


@pytest.mark.parametrize(
    ("chunks", "lines"),
    [
        ([], []),
        ([b"a\nb\n"], ["a", "b"]),
        ([b"a", b"b\nc", b"\n", b"\nd"], ["ab", "c", "", "d"]),
        # A character that comes in two parts.
        ([b"\xc3", b"\xa9\n"], ["\xe9"]),
        ([b"\xff\n"], ["\ufffd"]),
    ],
)
def test_lines_are_whole_for_all_chunk_sizes(chunks: list[bytes], lines: list[str]) -> None:
    assert list(lines_of(chunks)) == lines


@pytest.mark.parametrize("chunk", [b"x" * 65536, b"x\n" * 32768, b"\n" * 65536])
def test_a_node_that_never_stops_is_not_listened_to_for_ever(chunk: bytes) -> None:
    with pytest.raises(OutputTooLongError, match=r"(the|a line of the) output exceeds \d+"):
        for _ in lines_of(itertools.repeat(chunk)):
            pass


def test_what_is_followed_has_no_end_but_each_line_has() -> None:
    line = b"x" * 65535 + b"\n"
    whole = itertools.repeat(line, 40 * MIB // len(line))
    assert sum(1 for _ in lines_of(whole, endless=True)) == 640
    with pytest.raises(OutputTooLongError, match="a line"):
        list(lines_of(itertools.repeat(b"x" * 65536), endless=True))
