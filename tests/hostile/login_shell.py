#!/usr/bin/python3
"""root's login shell on a node that is hostile: it sees each script, and answers what it likes.

It runs on the node, by itself: nothing of hadeploy or of the tests is imported. /run/hostile.json
says what it does: {"when": …, "reply": …}, as in WHENS and REPLIES. What it has answered so is in
/run/hostile.log.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ORDERS, LOG = Path("/run/hostile.json"), Path("/run/hostile.log")
# A hostile shell ends soon after its test.
MOST_SECONDS = 60
OSC = b"\x1b]52;c;aGk=\x07\x1b[2J\xc2\x9b31m"
JUNK = [b"-1", b"x", b"9" * 400, OSC, b"0.5", b"n1", b"[{}]", b"../../x", b"%n", b""]

Answer = Callable[[bytes, bytes], Iterator[bytes]]


def really(script: bytes) -> bytes:
    """What an honest node answers; it has done then what it was told."""
    done = subprocess.run(
        ["/bin/sh"], input=script, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    return done.stdout


def silence(token: bytes, script: bytes) -> Iterator[bytes]:
    until = time.monotonic() + MOST_SECONDS
    parent = os.getppid()
    while time.monotonic() < until and os.getppid() == parent:
        time.sleep(0.1)
    yield b""


def for_ever(piece: bytes) -> Answer:
    def answer(token: bytes, script: bytes) -> Iterator[bytes]:
        until = time.monotonic() + MOST_SECONDS
        while time.monotonic() < until:
            yield piece.replace(b"TOKEN", token) * (65536 // len(piece))

    return answer


def every_second(piece: bytes) -> Answer:
    def answer(token: bytes, script: bytes) -> Iterator[bytes]:
        parent = os.getppid()
        while os.getppid() == parent:
            yield piece.replace(b"TOKEN", token)
            time.sleep(1)

    return answer


def just(text: bytes) -> Answer:
    def answer(token: bytes, script: bytes) -> Iterator[bytes]:
        yield text.replace(b"TOKEN", token)

    return answer


def bent(line_by_line: Callable[[int, bytes, bytes], bytes]) -> Answer:
    """The real answer, with each message other than it was."""

    def answer(token: bytes, script: bytes) -> Iterator[bytes]:
        mark = b"@" + token + b" "
        for number, line in enumerate(really(script).split(b"\n")):
            if line.startswith(mark) and not line.startswith((mark + b"end", mark + b"taken")):
                yield line_by_line(number, mark, line[len(mark) :]) + b"\n"
            else:
                yield line + b"\n"

    return answer


def without_words(number: int, mark: bytes, message: bytes) -> bytes:
    return mark + message.split()[0]


def other_words(number: int, mark: bytes, message: bytes) -> bytes:
    kind, *words = message.split()
    return mark + b" ".join([kind, *(JUNK[(number + i) % len(JUNK)] for i, _ in enumerate(words))])


def more_words(number: int, mark: bytes, message: bytes) -> bytes:
    return mark + message + b" " + OSC + b" 7 n1"


def twice(number: int, mark: bytes, message: bytes) -> bytes:
    return mark + message + b"\n" + mark + message


def other_kind(number: int, mark: bytes, message: bytes) -> bytes:
    kinds = (b"step", b"failed", b"fingerprint", b"lost", b"lock", b"awaited", b"file", b"seen")
    _, *words = message.split()
    return mark + b" ".join([kinds[number % len(kinds)], *words])


def other_documents(token: bytes, script: bytes) -> Iterator[bytes]:
    """JSON of other kinds than it should be, and texts that are none."""
    odd = [b"[{}]", b"5", b"null", b'{"Version": [1]}', b"[[[]]]", b'[{"Id": 1}]', b"{"]
    for number, line in enumerate(really(script).split(b"\n")):
        yield (odd[number % len(odd)] if line[:1] in (b"[", b"{") else line) + b"\n"


def cut_off(token: bytes, script: bytes) -> Iterator[bytes]:
    said = really(script)
    yield said[: len(said) // 2]


def forged(text: bytes) -> Answer:
    """The real answer, with messages before its last one that the script never says."""

    def answer(token: bytes, script: bytes) -> Iterator[bytes]:
        end = b"@" + token + b" end"
        yield really(script).replace(end, text.replace(b"TOKEN", token) + b"\n" + end)

    return answer


def first(text: bytes) -> Answer:
    """The real answer, after messages that count instead of its own of these kinds."""

    def answer(token: bytes, script: bytes) -> Iterator[bytes]:
        yield text.replace(b"TOKEN", token) + b"\n"
        yield really(script)

    return answer


def as_another_node(token: bytes, script: bytes) -> Iterator[bytes]:
    """All that n3 says, in n1's name and with its addresses."""
    said = really(script)
    for old, new in ((b"n3", b"n1"), (b".13/", b".11/"), (b'.13"', b'.11"'), (b".13 ", b".11 ")):
        said = said.replace(old, new)
    yield said


LOCK = b"token=t\nowner=" + OSC + b"ann[/red]@[bold]\npurpose=up\nage=x\nleft=" + b"9" * 400
REPLIES: dict[str, Answer] = {
    "silence": silence,
    "endless lines": for_ever(b"x\n"),
    "an endless line": for_ever(b"x"),
    "endless messages": for_ever(b"@TOKEN ok 0\n"),
    "nothing": just(b""),
    "escapes": just(OSC + b"[/red][bold]\nsorry\n"),
    "another token": just(
        b"@0123456789abcdef fingerprint 0123456789abcdef\n@0123456789abcdef end\n"
    ),
    "the last word alone": just(b"\n@TOKEN end\n"),
    "bytes": just(bytes(range(256)) * 64),
    "no words": bent(without_words),
    "other words": bent(other_words),
    "more words": bent(more_words),
    "everything twice": bent(twice),
    "other kinds": bent(other_kind),
    "other documents": other_documents,
    "half": cut_off,
    "another node": as_another_node,
    "a failure without a step": forged(b"@TOKEN failed"),
    "a failure of an unknown step": forged(b"@TOKEN failed 99.backends\n@TOKEN lost"),
    "a failure of no step": forged(b"@TOKEN step begin\n@TOKEN failed -1\n@TOKEN restored"),
    "a wait without an end": forged(b"@TOKEN vip-wait\n@TOKEN vip-wait x"),
    "an odd fingerprint": forged(b"@TOKEN fingerprint\n@TOKEN fingerprint $(reboot)"),
    "a lock": forged(b"@TOKEN locked\n@TOKEN lock\n" + LOCK),
    "a dead lock": forged(b"@TOKEN locked"),
    "fenced": forged(b"@TOKEN fenced"),
    "moved": forged(b"@TOKEN vip-moved"),
    "times": forged(
        b"@TOKEN clock\n@TOKEN clock nan\n@TOKEN broken inf\n@TOKEN request 1\n@TOKEN event"
    ),
    "slow lines": first(
        b"@TOKEN links\n1: " + b"a" * 1_000_000 + b"\n"
        b"@TOKEN vrrp-listener\nEntering BACKUP STATE\n" + b"(listener) " * 100_000
    ),
    "odd statistics": first(b"@TOKEN haproxy\n# pxname,svname,status\na,b\rc,UP"),
    "logs": forged(b"@TOKEN begin x\n@TOKEN absent cron\n@TOKEN broken 1"),
}
# Too slow to be tried with each command: an end comes only with the deadline of the script.
SLOW: dict[str, Answer] = {"signs of life": every_second(b"\n@TOKEN heartbeat\n")}
WHENS: dict[str, Callable[[bytes], bool]] = {
    "always": lambda script: True,
    "never": lambda script: False,
    "looking": lambda script: b"\nHD_CHECK=" in script,
    "later": lambda script: b"\nHD_CHECK=" not in script,
    # Looking at what has become of a change.
    "afterwards": lambda script: b"\nHD_SETTLE=" in script and b"\nHD_SETTLE=''" not in script,
}


def main() -> None:
    command = sys.argv[2] if len(sys.argv) > 2 else "exec /bin/sh"
    if command != "sh" or not ORDERS.exists():
        os.execv("/bin/sh", ["sh", "-c", command])
    script = sys.stdin.buffer.read()
    orders = json.loads(ORDERS.read_text())
    token = re.search(rb"^HD_TOKEN=(\w+)", script)
    if token is None or not WHENS[orders["when"]](script):
        sys.exit(subprocess.run(["/bin/sh"], input=script, check=False).returncode)
    with LOG.open("a") as log:
        log.write(f"{orders['reply']}\n")
    out = sys.stdout.buffer
    try:
        for piece in (REPLIES | SLOW)[orders["reply"]](token[1], script):
            out.write(piece)
            out.flush()
    except BrokenPipeError:
        os._exit(1)


if __name__ == "__main__":
    main()
