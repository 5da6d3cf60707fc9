"""The schema of the output of --json; docs/json.md describes it.

The enumerations are types of the code, so the schema includes a new action without an edit here.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from hadeploy.check.all_checks import IDS
from hadeploy.desired.roles import Role
from hadeploy.diagnose.all_causes import IDS as CAUSES
from hadeploy.drill.round import Kind as EventKind
from hadeploy.drill.round import RequestKind
from hadeploy.drill.scenarios import NAMES as SCENARIOS
from hadeploy.errors import ExitCode
from hadeploy.plan.steps import Action, Impact
from hadeploy.rollout.node_outcome import NodeOutcome
from hadeploy.status.cluster_status import ClusterStatus
from hadeploy.verify.proof import Verdict


class _Part(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        use_attribute_docstrings=True,
        # The document always contains every field.
        json_schema_serialization_defaults_required=True,
    )


class StepPart(_Part):
    """One change on one node."""

    action: Action
    subject: str
    """The object of the action: a path, a container name, an image reference, an address."""
    reason: str
    impact: Impact
    diff: list[str]
    """The changed lines, without secrets."""
    drift: bool
    """Whether the node differs from what was last applied there, by hand or by a failure."""


class NodePart(_Part):
    """The steps on one node, in order."""

    node: str
    holder: bool
    """Whether the node held a VIP when it was observed."""
    drained: bool
    """Whether a drain keeps the VIP off the node."""
    together: bool
    """Whether all nodes are restored if this node fails."""
    steps: list[StepPart]


class ProofPart(_Part):
    """One proof and its verdict."""

    proof: str
    """A stable name, such as container-running or vip-held-once."""
    verdict: Verdict
    """`warn` is reported but does not change the exit code."""
    node: str | None
    """Null if the proof concerns the whole cluster."""
    message: str
    hint: str | None


class CheckPart(_Part):
    """One check on one node."""

    id: Literal[IDS]  # type: ignore[valid-type]
    """docs/checks.md describes each check."""
    node: str | None
    """Null if the check concerns no single node."""
    verdict: Verdict
    """`warn` is reported but does not stop a run."""
    message: str
    fix: str | None


class ConfigWarningPart(_Part):
    """A warning of a program about a configuration that it accepts."""

    program: Role
    nodes: list[str]
    """The nodes where it warns."""
    message: str
    """The message of the program, without secrets."""
    line: str
    """The line of the rendered file, without secrets: `line 45: fullconn 10`; "" for none."""


class ImagePart(_Part):
    """An image that was saved, sent, or already on the node."""

    reference: str
    architecture: str
    """The architecture as images name it: amd64, arm64, ..."""
    node: str | None
    """Null for an archive on this machine."""
    state: Literal["saved", "sent", "there"]
    """`there`: the node already had the image."""
    archive: str | None
    """The archive that contains the image."""
    bytes: int
    """Bytes transferred; an archive with both images counts for each of them."""


class DiagnosisPart(_Part):
    """The cause of failed proofs."""

    cause: Literal[CAUSES]  # type: ignore[valid-type]
    """docs/diagnosis.md describes each cause."""
    nodes: list[str]
    """The nodes that need the fix; empty if the cause concerns no single node."""
    message: str
    evidence: list[str]
    """The lines that show the cause, without secrets."""
    fix: str


class DrillEventPart(_Part):
    """An event on a node during a failure."""

    at: float
    """Seconds since the start of the failure, by the clock of the machine that runs hadeploy."""
    node: str
    kind: EventKind
    """breaking, broken, mending and mended are steps of the drill; state, check and priority are
    from the log of keepalived; container is an event of Docker."""
    what: str
    """An address that was bound or unbound, MASTER, failed, `271 250` (from, to), `lb die`, ..."""


class DrillPart(_Part):
    """One failure and its effects; durations in seconds since its start."""

    scenario: Literal[SCENARIOS]  # type: ignore[valid-type]
    victims: list[str]
    """The nodes on which the failure was caused."""
    holder: str
    """The node that had the VIP before."""
    successor: str | None
    """The node that took over the VIP; null if the VIP did not move."""
    detected: float | None
    """Until keepalived detected the failure."""
    taken_over: float | None
    """Until the next node had the VIP."""
    outage: float | None
    """The longest time without an answer through the VIP; null without requests."""
    failed: int
    """Requests without an answer."""
    requests: int
    asked_from: str | None
    """The sender of the requests: `here` or a node; null for none."""
    asked_how: RequestKind | None
    """What counts as an answer: a TLS handshake, one byte, or a connection."""
    failed_back: bool
    """Whether the VIP is back on its first holder at the end."""
    double: float
    """How long two nodes had the VIP."""
    problems: list[str]
    """Why the drill failed; empty if it passed."""
    events: list[DrillEventPart]


class ErrorPart(_Part):
    """The reason why a command failed, on one node or in general."""

    node: str | None
    operation: str | None
    message: str
    detail: str | None
    """The output of a program, word for word."""
    hint: str | None


class Document(_Part):
    """The output of a command with --json on stdout, also after an error."""

    command: str | None
    """Null if the command line has no command."""
    cluster: str | None
    """The cluster's name; null if the inventory could not be read."""
    exit_code: ExitCode
    changes: int | None
    """Number of steps in the plan; null without a plan."""
    plan: list[NodePart] | None
    """The nodes in the order of the change; a node may have two turns."""
    together: list[str]
    """The VRRP settings of a coordinated change."""
    warnings: list[str]
    """Sentences: possible effects for clients of the VIP."""
    undoes: list[str]
    """Sentences: changes of other users that the inventory does not have."""
    removes: list[str]
    """Sentences: the ports, listeners and VIPs that clients lose."""
    nodes: dict[str, NodeOutcome]
    """The state of each node after a failed rollout; otherwise empty."""
    vip_wait_seconds: float | None
    """Seconds until the VIP answered after the last change of `up`, or 0; otherwise null."""
    images: list[ImagePart]
    """The images of `images save` and `images push`; otherwise empty."""
    checks: list[CheckPart]
    """The findings of `check`, and those of `plan` and `up`."""
    config_warnings: list[ConfigWarningPart]
    """Warnings of haproxy and keepalived about the new configuration."""
    proofs: list[ProofPart]
    diagnosis: list[DiagnosisPart]
    """The causes of failed proofs, the most probable first."""
    drill: list[DrillPart]
    """The rounds of `drill`; otherwise empty."""
    archive: str | None
    """The file that `support` wrote; otherwise null."""
    report: str | None
    """The file that `drill --report` wrote; otherwise null."""
    status: ClusterStatus | None
    """The cluster status of `status`; otherwise null."""
    errors: list[ErrorPart]


class ClusterPart(_Part):
    """One cluster of a fleet."""

    inventory: str
    """The path of the inventory, as given."""
    cluster: str | None
    """The cluster's name; null if an inventory has an error."""
    exit_code: ExitCode | None
    """Null if the command did not start on this cluster."""
    seconds: float | None
    """Duration; null if the command did not start on this cluster."""
    document: Document | None
    """The output of the command; null if there is none."""


class FleetDocument(_Part):
    """The output of a command with --json on several inventories."""

    command: str
    exit_code: ExitCode
    """0 if all are 0, the common code of all failures, or 1."""
    clusters: list[ClusterPart]
    """In the order of the command line."""
    errors: list[ErrorPart]
    """Errors that stopped the command on all clusters; those of one are in its document."""


def document_schema() -> dict[str, Any]:
    """The schema of the document.

    Returns:
        A JSON Schema (draft 2020-12) that forbids additional keys.
    """
    either: TypeAdapter[Document | FleetDocument] = TypeAdapter(Document | FleetDocument)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **either.json_schema(mode="serialization"),
        "title": "hadeploy --json",
    }
