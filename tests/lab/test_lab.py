"""The lab itself, for real: needs root and what scripts/install-debian.sh installs."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from hadeploy.errors import HadeployError
from hadeploy.lab import cgroups, network, processes
from hadeploy.lab.addressing import Addressing, default_subnet
from hadeploy.lab.certificate import CertificateSpec
from hadeploy.lab.images.store import STAND_INS, ensure_image, host_image
from hadeploy.lab.lab import Lab
from hadeploy.lab.waiting import wait_until
from tests.lab.harness import finish

NAME = f"t{os.getpid() % 10_000_000}"
UP = "import sys; from hadeploy.lab.lab import Lab; Lab.up(sys.argv[1], nodes=2, report=report)"
TELL = "report = lambda text: print(text, flush=True); "


def all_well(lab: Lab) -> None:
    """Everything is as `up` leaves it; what answers late on a busy machine is asked again."""
    wait_until(
        lambda: all(node.well for node in lab.status()),
        what="all nodes",
        timeout=30,
        detail=lambda: "\n".join(map(str, lab.status())),
    )


@contextmanager
def lab_of_two() -> Iterator[Lab]:
    try:
        yield Lab.up(NAME, nodes=2)
    finally:
        Lab.remove(NAME)


def everything_of(name: str) -> list[str]:
    """What this machine has of a lab, in words."""
    found = [f"interface {link}" for link in network.links() if link.startswith(f"hl-{name}")]
    found += [f"namespace {p.name}" for p in network.NETNS.glob(f"hl-{name}*")]
    # Not by looking into all groups: other labs' come and go meanwhile.
    hierarchies = cgroups.parse_hierarchies(Path("/proc/self/mountinfo").read_text())
    found += [f"cgroup {p}" for root in hierarchies if (p := root / f"hl-{name}").exists()]
    for family in ("-4", "-6"):
        routes = subprocess.run(
            ("ip", family, "route", "show", "table", "all", "type", "blackhole"),
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        metric = f"metric {Addressing(name, default_subnet(name), ()).blackhole_metric}"
        found += [f"route {line}" for line in routes.splitlines() if metric in line]
    folder = f"/hadeploy/{name}/"
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if folder in (entry / "cmdline").read_text() + (entry / "mountinfo").read_text():
                found.append(f"process {entry.name}")
        except OSError:
            continue
    return found


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return str(answer.read().decode())


def ssh(lab: Lab, target: str, *command: str) -> subprocess.CompletedProcess[str]:
    config = lab.environment["HADEPLOY_LAB_SSH_CONFIG"]
    return subprocess.run(
        ("ssh", "-F", config, "-o", "BatchMode=yes", target, *command),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_lab_from_up_to_down() -> None:
    with lab_of_two() as lab:
        # Reached as the nodes of an inventory are: by ssh, with the lab's own key and host keys.
        assert ssh(lab, "n1", "hostname").stdout == "n1\n"
        assert ssh(lab, lab.address("n2"), "hostname").stdout == "n2\n"
        assert ssh(lab, "ops@n1", "id", "-un").stdout == "ops\n"
        if shutil.which("sudo"):
            assert ssh(lab, "ops@n1", "sudo", "-n", "id", "-u").stdout == "0\n"
        assert [fetch(f"http://{lab.address(n)}:6443/readyz") for n in lab.nodes] == [
            "n1\n",
            "n2\n",
        ]
        if lab.address6("n1"):
            assert fetch(f"http://[{lab.address6('n1')}]:6443/") == "n1\n"
        assert "Server Version" in lab.exec("n1", ("docker", "info")).stdout
        assert lab.exec("n1", ("docker", "images", "-q")).stdout == ""
        all_well(lab)

        # A second `up` touches nothing.
        before = {
            n: lab.exec(n, ("cat", "/proc/sys/kernel/random/boot_id")).stdout for n in lab.nodes
        }
        text = Path(lab.environment["HADEPLOY_INVENTORY"]).read_bytes()
        reports: list[str] = []
        Lab.up(NAME, report=reports.append)
        after = {
            n: lab.exec(n, ("cat", "/proc/sys/kernel/random/boot_id")).stdout for n in lab.nodes
        }
        assert (reports, after) == ([], before)
        assert Path(lab.environment["HADEPLOY_INVENTORY"]).read_bytes() == text
        assert len(set(before.values())) == 2

        # exec passes on input, output and exit code.
        done = lab.exec("n1", ("sh", "-c", "cat; echo err >&2; exit 7"), check=False, input="in")
        assert (done.returncode, done.stdout, done.stderr) == (7, "in", "err\n")
        with pytest.raises(HadeployError, match="n1: running false: exit code 1"):
            lab.exec("n1", ("false",))

        # Whatever a node writes stays in the node.
        lab.exec(
            "n1", ("sh", "-c", "for d in /etc /opt /root /var/log /tmp; do echo x >$d/mark; done")
        )
        for folder in ("/etc", "/opt", "/root", "/var/log", "/tmp"):
            assert not Path(folder, "mark").exists()
            assert lab.exec("n2", ("test", "-e", f"{folder}/mark"), check=False).returncode == 1

    assert everything_of(NAME) == []
    assert not lab.state.folder.exists()
    assert Lab.remove(NAME) is False


def test_containers_come_back_after_a_power_cut_and_a_docker_restart() -> None:
    with lab_of_two() as lab:
        lab.load_images()
        # Its PID 1 does not heed the stop signal; a Docker restart would wait 10 s for it.
        options = ("--net=host", "--restart=unless-stopped", "--stop-timeout=1")
        image = (STAND_INS["haproxy"], "sleep", "infinity")
        lab.exec("n1", ("docker", "run", "--detach", "--name=sleeper", *options, *image))

        def running() -> bool:
            state = lab.exec("n1", ("docker", "inspect", "--format={{.State.Running}}", "sleeper"))
            return state.stdout == "true\n"

        assert running()
        lab.restart_docker("n1")
        wait_until(running, what="the container after a Docker restart", timeout=30)
        lab.exec("n1", ("touch", "/etc/kept", "/run/lost"))
        boot_id = ("cat", "/proc/sys/kernel/random/boot_id")
        before = lab.exec("n1", boot_id).stdout
        lab.reboot("n1")
        wait_until(running, what="the container after a reboot", timeout=30)
        assert lab.exec("n1", boot_id).stdout != before
        assert lab.exec("n1", ("ls", "/etc/kept")).stdout == "/etc/kept\n"
        assert lab.exec("n1", ("test", "-e", "/run/lost"), check=False).returncode == 1
        assert ssh(lab, "n1", "true").returncode == 0
    assert everything_of(NAME) == []


def test_cables_api_servers_and_power_can_fail_one_by_one() -> None:
    def answers(lab: Lab, node: str, port: int) -> bool:
        with closing(socket.socket()) as probe:
            probe.settimeout(0.5)
            return probe.connect_ex((lab.address(node), port)) == 0

    with lab_of_two() as lab:
        lab.apiserver("n1", up=False)
        assert not answers(lab, "n1", 6443)
        assert answers(lab, "n1", 22)
        lab.apiserver("n1", up=True, tls=CertificateSpec(), readyz=401)
        check = ("curl", "-sk", "-w", "%{http_code}", f"https://{lab.address('n1')}:6443/readyz")
        reported, _, status = finish(*check).out.rpartition("}")
        assert (status, json.loads(reported + "}")["kind"]) == ("401", "Status")
        lab.apiserver("n1", up=True)
        assert finish(*check).code == 35
        assert answers(lab, "n1", 6443)

        lab.link("n2", up=False)
        assert not answers(lab, "n2", 22)
        assert [node.cable for node in lab.status()] == [True, False]
        lab.link("n2", up=True)
        wait_until(lambda: answers(lab, "n2", 22), what="n2 after its cable was mended", timeout=10)

        lab.stop_node("n2")
        assert not answers(lab, "n2", 22)
        assert [node.running for node in lab.status()] == [True, False]
        with pytest.raises(HadeployError, match="n2: the node is off"):
            lab.exec("n2", ("true",))

        # `up` mends whatever is broken, and leaves the rest alone.
        lab.apiserver("n1", up=False)
        boot_id = lab.exec("n1", ("cat", "/proc/sys/kernel/random/boot_id")).stdout
        Lab.up(NAME)
        all_well(lab)
        assert lab.exec("n1", ("cat", "/proc/sys/kernel/random/boot_id")).stdout == boot_id
    assert everything_of(NAME) == []


@pytest.mark.parametrize("moment", ["setting up bridge", "n1: booting", "n2: booting"])
def test_up_after_an_up_that_was_killed(moment: str) -> None:
    for reference in STAND_INS.values():
        ensure_image(reference)
    try:
        with subprocess.Popen(
            (sys.executable, "-c", TELL + UP, NAME), stdout=subprocess.PIPE, text=True
        ) as victim:
            assert victim.stdout is not None
            assert any(line.startswith(moment) for line in victim.stdout)
            victim.send_signal(signal.SIGKILL)
        lab = Lab.up(NAME)
        all_well(lab)
        assert [ssh(lab, n, "hostname").stdout for n in lab.nodes] == ["n1\n", "n2\n"]
    finally:
        Lab.remove(NAME)
    assert everything_of(NAME) == []


@pytest.mark.parametrize("moment", ["setting up bridge", "n2: booting"])
def test_down_after_an_up_that_was_killed(moment: str) -> None:
    with subprocess.Popen(
        (sys.executable, "-c", TELL + UP, NAME), stdout=subprocess.PIPE, text=True
    ) as victim:
        assert victim.stdout is not None
        assert any(line.startswith(moment) for line in victim.stdout)
        victim.send_signal(signal.SIGKILL)
    assert Lab.remove(NAME) is True
    assert everything_of(NAME) == []


@pytest.mark.parametrize("moment", ["ending", "removing the network", "removing the disks"])
def test_down_after_a_down_that_was_killed(moment: str) -> None:
    with lab_of_two():
        command = (
            "import sys; from hadeploy.lab.lab import Lab; Lab.remove(sys.argv[1], report=report)"
        )
        with subprocess.Popen(
            (sys.executable, "-c", TELL + command, NAME), stdout=subprocess.PIPE, text=True
        ) as victim:
            assert victim.stdout is not None
            assert any(line.startswith(moment) for line in victim.stdout)
            victim.send_signal(signal.SIGKILL)
    assert everything_of(NAME) == []


def test_a_lab_whose_state_folder_was_lost_is_started_afresh_or_removed() -> None:
    with lab_of_two() as lab:
        shutil.rmtree(lab.state.folder)
        again = Lab.up(NAME, nodes=2)
        assert ssh(again, "n1", "hostname").stdout == "n1\n"
        shutil.rmtree(lab.state.folder)
        assert Lab.remove(NAME) is True
    assert everything_of(NAME) == []


def test_a_node_whose_init_was_killed_is_booted_by_up() -> None:
    with lab_of_two() as lab:
        init = processes.find_init(network.namespace_file(lab.addressing, "n1"))
        assert init is not None
        processes.kill(init)
        Lab.up(NAME)
        all_well(lab)
    assert everything_of(NAME) == []


def test_another_shape_or_a_subnet_in_use_is_refused() -> None:
    with lab_of_two() as lab:
        with pytest.raises(HadeployError, match="exists with 2 nodes"):
            Lab.up(NAME, nodes=3)
        other = f"{NAME[:7]}x"
        with pytest.raises(HadeployError, match="overlaps"):
            Lab.up(other, subnet=str(lab.addressing.subnet))
        assert everything_of(other) == []
        assert not (lab.state.folder.parent / other).exists()


def test_nothing_for_the_lab_ever_takes_the_default_route() -> None:
    with lab_of_two() as lab:
        subprocess.run(("ip", "link", "delete", lab.addressing.bridge), check=True)
        for address in (lab.vip, lab.address("n1")):
            done = subprocess.run(
                ("ip", "route", "get", address), capture_output=True, text=True, check=False
            )
            assert done.returncode != 0
        Lab.up(NAME)
        all_well(lab)
        assert "default" not in lab.exec("n1", ("ip", "route")).stdout


def test_a_namespace_that_was_only_half_made_is_made_again() -> None:
    with lab_of_two() as lab:
        lab.stop_node("n2")
        network.namespace_file(lab.addressing, "n2").touch()
        Lab.up(NAME)
        all_well(lab)
    assert everything_of(NAME) == []


def test_an_image_that_the_machines_own_docker_has_is_taken_from_there() -> None:
    real = "registry.example/haproxy:real"
    with lab_of_two() as lab:
        lab.load_images(STAND_INS["haproxy"])
        lab.exec("n1", ("docker", "tag", STAND_INS["haproxy"], real))
        init = processes.find_init(network.namespace_file(lab.addressing, "n1"))
        assert init is not None
        engine = Path(f"/proc/{init.pid}/root/run/docker.sock")
        assert host_image("registry.example/absent:1", engine) is None
        assert len(host_image(real, engine) or "") == 16
        archive = ensure_image(real, engine=engine)
        try:
            assert archive.name.endswith(f"-host-{host_image(real, engine)}.tar")
            with tarfile.open(archive) as tar:
                manifest = tar.extractfile("manifest.json")
                assert manifest is not None
                assert real in manifest.read().decode()
        finally:
            archive.unlink()
