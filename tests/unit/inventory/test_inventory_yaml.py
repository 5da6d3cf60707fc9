"""Surprises of YAML in an inventory, and binary files."""

import time
from pathlib import Path

import pytest

from hadeploy.inventory.load import inventory_from_text, load_inventory
from hadeploy.inventory.problems import InventoryError

HEAD = "vip: 198.51.100.200\nnodes: [198.51.100.1, 198.51.100.2]\n"
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 9)
)

CASES = {
    HEAD + "vip: 198.51.100.201\n": "3:1: vip: given twice; the first one is at 1:1",
    HEAD + "ssh: {user: a, 'user': b}\n": "3:16: ssh.user: given twice; the first one is at 3:7",
    HEAD + "ssh:\n\tuser: a\n": "4:1: not YAML: tab in the indentation; use spaces",
    HEAD + "name: a: b\n": (
        "3:8: not YAML: unexpected ':'; check the line above and the indentation, or put"
        " quotes around the value"
    ),
    HEAD + "---\nvip: x\n": "3:1: a second YAML document; an inventory is one document",
    HEAD + "name: !!python/object:os.system x\n": (
        "3:7: name: the YAML tag 'tag:yaml.org,2002:python/object:os.system' is not allowed here"
    ),
    HEAD + "ssh: !mine {port: 0}\n": (
        "3:6: ssh: the YAML tag '!mine' is not allowed here\n3:19: ssh.port: must be at least 1"
    ),
    HEAD + "? [a, b]\n: c\n": "3:3: a key must be text, not a list or a mapping",
    "? " * 20_000: "1:35: nested deeper than 16 levels",
    "[a]\nb": "2:1: not YAML: unexpected content; check the indentation",
    "a: &a [*a]\n": "1:8: the alias 'a' is used inside itself",
    "vip: *nobody\n": "1:6: the alias 'nobody' has no anchor before it",
    BOMB: "5:10: more than 10000 values (with aliases expanded)",
    "[" * 500_000: "1:1: this line is longer than 50000 characters",
    "[\n" * 100_000: "18:1: nested deeper than 16 levels",
    "- a\n" * 100_000: "10000:3: more than 10000 values (with aliases expanded)",
    HEAD + "name: a\0b": (
        "3:8: contains a NUL byte (is it a binary or UTF-16 file?), which YAML forbids"
    ),
    HEAD + "name: \x1b[0m": "3:7: contains U+001B, which YAML forbids",
    HEAD + "<<: 5\n": "3:5: '<<' needs a mapping",
    HEAD + '"\\UFFFFFFFF": 1\n': "2:36: not YAML: syntax error after this position",
    HEAD + 'name: "abc': "3:11: not YAML: missing closing quote",
}


@pytest.mark.parametrize("text", CASES, ids=lambda t: repr(t)[-50:])
def test_yaml_that_is_no_inventory_is_refused_quickly(text: str) -> None:
    begin = time.monotonic()
    with pytest.raises(InventoryError) as caught:
        inventory_from_text(text)
    assert str(caught.value).replace("inventory.yaml:", "") == CASES[text]
    assert time.monotonic() - begin < 60


FILES = {
    b"\xff\xfev\x00i\x00": "1:1: is UTF-16 or UTF-32 text; save it as UTF-8",
    b"\xfe\xff\x00v\x00i": "1:1: is UTF-16 text; save it as UTF-8",
    b"vip: 1\nna\xe4me: x": "2:3: is not UTF-8 text (byte 0xe4); save it as UTF-8",
    b"\xef\xbb\xbfvip\xff": "1:4: is not UTF-8 text (byte 0xff); save it as UTF-8",
    b"\x7fELF\x02\x01\x01\0\0": "1:1: contains U+007F, which YAML forbids",
    b"#" * (10 << 20): "1:1: is larger than 1 MiB; check that this file is the inventory",
}


@pytest.mark.parametrize("data", FILES, ids=lambda d: repr(d[:12]))
def test_files_that_are_no_text_are_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "some.yaml"
    path.write_bytes(data)
    with pytest.raises(InventoryError) as caught:
        load_inventory(path)
    assert str(caught.value) == f"{path}:{FILES[data]}"


def test_a_missing_file_a_folder_and_an_impossible_name_are_reported(tmp_path: Path) -> None:
    for path, reason in (
        (tmp_path / "none.yaml", "no such file or directory"),
        (tmp_path, "is a directory"),
        (Path("a\0b"), "not a file name"),
    ):
        with pytest.raises(InventoryError, match=reason):
            load_inventory(path)


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "inventory.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + HEAD.replace("\n", "\r\n").encode())
    assert len(load_inventory(path).nodes) == 2


def test_anchors_and_merge_keys_work() -> None:
    text = HEAD + (
        "listeners:\n"
        "  - &first {name: a, port: 9443, check: &c {fall: 5}}\n"
        "  - {<<: *first, name: b, port: 9444}\n"
        "  - {<<: [{check: *c}, {balance: source}], name: c, port: 9445}\n"
    )
    listeners = inventory_from_text(text).cluster.listeners
    assert [(x.name, x.port, x.check.fall) for x in listeners] == [
        ("a", 9443, 5),
        ("b", 9444, 5),
        ("c", 9445, 5),
    ]
    assert listeners[2].balance == "source"


def test_the_file_is_named_relative_to_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inventory.yaml").write_text("x: 1")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InventoryError, match=r"^inventory.yaml:1:1: "):
        load_inventory(tmp_path / "inventory.yaml")
