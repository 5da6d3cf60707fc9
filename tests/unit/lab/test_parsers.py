"""What is read from the kernel and from tools; the texts are real output, shortened."""

from __future__ import annotations

from pathlib import Path

from hadeploy.lab import cgroups, disk, processes
from hadeploy.lab.images import mirror, rootfs

MOUNTINFO = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
28 27 254:1 / /var rw,relatime shared:3 - ext4 /dev/vdb rw
29 27 254:2 / /home rw,relatime shared:4 - xfs /dev/vdc rw
30 27 0:40 / /mnt/usb\\040stick rw - ext4 /dev/sdb1 rw
31 27 0:41 / /srv/a\\040b rw - ext4 /dev/sdb2 rw
32 28 0:50 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw
33 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
34 33 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
35 33 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""


def test_state_and_start_time_of_a_process_with_a_nasty_name() -> None:
    stat = "4242 (a) b (c) 1) S 1 4242 4242 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 98765 2592768 1\n"
    assert processes.parse_stat(stat) == ("S", 98765)


def test_pids_in_nested_namespaces() -> None:
    status = "Name:\tsh\nTgid:\t3111\nNSpid:\t3111\t1\nNSsid:\t0\t0\n"
    assert processes.parse_inner_pids(status) == (3111, 1)
    assert processes.parse_inner_pids("Name:\tsh\n") == ()


def test_cgroup_hierarchies_of_version_1_and_2() -> None:
    assert cgroups.parse_hierarchies(MOUNTINFO) == [
        Path("/sys/fs/cgroup/cpu"),
        Path("/sys/fs/cgroup/unified"),
    ]


def test_file_systems_are_overlaid_unless_a_node_has_its_own() -> None:
    assert disk.parse_layers(MOUNTINFO) == [("/", "root-fs"), ("/var", "fs-var")]


def test_the_innermost_layer_holds_a_path() -> None:
    layers = [("/", "root-fs"), ("/var", "fs-var")]
    assert disk.layer_of(layers, "/etc/hosts") == ("root-fs", "etc/hosts")
    assert disk.layer_of(layers, "/var/log") == ("fs-var", "log")
    assert disk.layer_of(layers, "/var") == ("fs-var", "")
    assert disk.layer_of(layers, "/variable") == ("root-fs", "variable")
    assert disk.layer_of(layers, "/") == ("root-fs", "")


def test_debians_own_mirror_is_chosen_among_others() -> None:
    text = (
        "https://packages.example.org/apt/|main|Example|Debian\n"
        "http://deb.debian.org/debian-security/|main|Debian|Debian-Security\n"
        "http://mirror.example.net/debian/|main|Debian|Debian\n"
    )
    assert mirror.parse_index_targets(text) == "http://mirror.example.net/debian"
    assert mirror.parse_index_targets("") is None
    assert mirror.parse_index_targets("http://x/|main||\n") is None


def test_libraries_out_of_ldd() -> None:
    text = (
        "/usr/sbin/haproxy:\n"
        "\tlinux-vdso.so.1 (0x00007f83f3562000)\n"
        "\tlibssl.so.3 => /lib/x86_64-linux-gnu/libssl.so.3 (0x00007f83f3369000)\n"
        "\tlibmissing.so.1 => not found\n"
        "\t/lib64/ld-linux-x86-64.so.2 (0x00007f83f3564000)\n"
    )
    assert rootfs.parse_ldd(text) == {
        "/lib/x86_64-linux-gnu/libssl.so.3",
        "/lib64/ld-linux-x86-64.so.2",
    }
