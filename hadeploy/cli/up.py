"""`hadeploy up`."""

from __future__ import annotations

import click

from hadeploy.cli.common import Options, cluster_command, reported
from hadeploy.cli.verify import TIMEOUT, tell_proofs
from hadeploy.inventory.model import Cluster
from hadeploy.observe.gather import observe
from hadeploy.run.connections import connected
from hadeploy.run.prepare import prepare
from hadeploy.run.up import apply
from hadeploy.ui.render import plan_picture
from hadeploy.verify.wait import wait_for_proofs


@click.command()
@TIMEOUT
@cluster_command
def up(options: Options, timeout: float) -> int:
    """Bring the cluster up, or to a changed inventory, and prove that it serves.

    Run it as often as you like: what is already right is not touched.
    """
    with reported(options, "up") as outcome:
        inputs = options.inputs()
        cluster = inputs.cluster
        outcome.cluster = cluster.name
        with (
            options.progress(cluster) as progress,
            connected(cluster, progress, accept_new=options.accept_new_host_keys) as sessions,
        ):
            prepared = prepare(inputs, sessions, progress)
            outcome.plan = prepared.plan
            options.err.print(plan_picture(prepared.plan))
            looks = [prepared.observed]
            if prepared.plan.changes:
                apply(inputs, prepared, sessions, progress)
                looks.clear()
            progress.phase("Verify")
            outcome.proofs = wait_for_proofs(
                cluster,
                prepared.desired,
                lambda: looks.pop() if looks else observe(cluster, sessions),
                progress,
                timeout=timeout,
            )
        tell_proofs(options, outcome)
        if not outcome.code and not options.as_json:
            options.out.print(next_step(cluster), soft_wrap=True)
    return outcome.code


def next_step(cluster: Cluster) -> str:
    """What comes after us."""
    vip, listener = cluster.vip[0], cluster.listeners[0]
    host = f"[{vip.ip}]" if vip.version == 6 else str(vip.ip)
    return (
        f"The load balancer is up on {host}:{listener.port}. Next, on the first control plane:\n"
        f"  kubeadm init --control-plane-endpoint {host}:{listener.port} --upload-certs"
    )
