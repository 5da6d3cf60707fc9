"""The sections of the inventory about SSH, VRRP, images, containers, paths and templates."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hadeploy.inventory.fields import (
    AbsolutePath,
    ContainerName,
    Host,
    ImageReference,
    Jump,
    Line,
    Login,
    LogSize,
    Mirror,
    Number,
    Port,
    SecretReference,
    Snippet,
    Switch,
    VrrpVersion,
    Whole,
    Word,
)
from hadeploy.inventory.references import mirrored

# A tenth of the default. Three lost adverts take a third of a second (docs/failover.md).
FAST_ADVERT_SECONDS = 0.1

# A run hands the VIP back within this time, without cutting a connection. On a busy machine that
# takes 5 s.
PREEMPT_DELAY_SECONDS = 10


class Model(BaseModel):
    """A frozen section; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, defer_build=True)


class Ssh(Model):
    """How to connect to the nodes; the user's ssh config supplies everything else."""

    user: Login | None = Field(None, description="Login name.")
    port: Port | None = Field(None, description="SSH port.")
    identity_file: Line | None = Field(None, description="Private key file; ~ is expanded.")
    jump: Jump | None = Field(None, description="Jump host, [user@]host[:port], as ssh -J.")
    config: Line | None = Field(None, description="ssh config file instead of ~/.ssh/config.")
    known_hosts: Line | None = Field(
        None,
        description="known_hosts file instead of those in the ssh config; none: no file.",
    )
    connect_timeout: Number = Field(10, gt=0, le=600, description="Seconds to connect and log in.")
    command_timeout: Number = Field(
        120,
        gt=0,
        le=3600,
        description="Seconds until a step on a node without any output has failed.",
    )
    sudo: Literal["auto", "always", "never"] = Field(
        "auto", description="auto: sudo unless the login user is root."
    )
    sudo_password: SecretReference | None = Field(
        None,
        description="If sudo asks for a password: env:NAME, file:PATH or cmd:COMMAND.",
    )


class NodeSsh(Model):
    """The SSH settings of one node."""

    host: Host | None = Field(
        None, description="Host name or address for SSH instead of `address`."
    )
    user: Login | None = Field(None, description="Login name on this node.")
    port: Port | None = Field(None, description="SSH port of this node.")
    identity_file: Line | None = Field(None, description="Private key file for this node.")
    jump: Jump | None = Field(None, description="Jump host for this node.")


class VrrpCheck(Model):
    """keepalived's check of the local haproxy; keepalived before 2.3.2 needs whole seconds."""

    interval: Whole = Field(1, ge=1, le=60, description="Seconds between checks.")
    timeout: Whole = Field(5, ge=1, le=60, description="Seconds until a hanging check fails.")
    fall: Whole = Field(1, ge=1, le=10, description="Failed checks until haproxy is down.")
    rise: Whole = Field(2, ge=1, le=10, description="Passed checks until it is up again.")


class Vrrp(Model):
    """The VRRP instance that holds the VIP."""

    failover: Literal["standard", "fast"] = Field(
        "standard",
        description="fast: VRRP version 3 with ten adverts a second; standard: version 2 with one.",
    )
    virtual_router_id: Whole = Field(
        53, ge=1, le=255, description="Unique on the network segment; 51 is in many examples."
    )
    version: VrrpVersion = Field(
        2, description="2 or 3; the default for IPv6 and failover: fast is 3, which they need."
    )
    advert_interval: Number = Field(
        1.0,
        ge=0.01,
        le=40.95,
        description="Seconds; whole seconds with version 2 (RFC 3768); 0.1 with failover: fast.",
    )
    mode: Literal["unicast", "multicast"] = Field(
        "unicast", description="unicast also works in networks that filter multicast."
    )
    preempt: Switch = Field(
        False, description="Whether the VIP returns to a node with a higher priority (failback)."
    )
    preempt_delay: Number = Field(
        0,
        ge=0,
        le=1000,
        description="Seconds before a better node takes the VIP back; with preempt: true, 10.",
    )
    on_check_failure: Literal["fault", "weight"] = Field(
        "fault",
        description="If haproxy fails, the node gives up the VIP (fault) or loses weight (weight).",
    )
    weight: Whole | None = Field(
        None, ge=1, le=253, description="With on_check_failure: weight; default: computed."
    )
    password: SecretReference | None = Field(
        None, description="env:NAME, file:PATH or cmd:COMMAND; only with VRRP version 2."
    )
    check: VrrpCheck = Field(VrrpCheck(), description="keepalived's check of the local haproxy.")

    @model_validator(mode="before")
    @classmethod
    def _profile(cls, data: Any) -> Any:
        """failover: fast sets the defaults of other keys."""
        if isinstance(data, dict) and data.get("failover") == "fast":
            data = {"version": 3, "advert_interval": FAST_ADVERT_SECONDS, **data}
        # In weight mode every failover is a preemption, which must not wait.
        faults = isinstance(data, dict) and data.get("on_check_failure", "fault") == "fault"
        if faults and data.get("preempt") is True:
            data = {"preempt_delay": PREEMPT_DELAY_SECONDS, **data}
        return data


class Image(Model):
    """One container image."""

    reference: ImageReference = Field(description="An image reference, with its tag or digest.")
    pull: Literal["missing", "never"] = Field(
        "missing", description="Whether a node that lacks the image may pull it."
    )
    archive: Line | None = Field(
        None, description="A `docker save` file on this machine, for nodes that lack the image."
    )


class HaproxyImage(Image):
    """The haproxy image."""

    reference: ImageReference = Field("haproxy:3.2.21", description="With its tag or digest.")


class KeepalivedImage(Image):
    """The keepalived image; it must have keepalived and bash in its PATH."""

    reference: ImageReference = Field(
        "osixia/keepalived:2.3.4", description="With its tag or digest."
    )


class Registry(Model):
    """The registry that nodes pull images from."""

    mirror: Mirror | None = Field(
        None,
        description="host[:port][/path]: the registry for images without a registry in their name.",
    )
    user: Word | None = Field(None, description="Login name at the registry.")
    password: SecretReference | None = Field(
        None, description="env:NAME, file:PATH or cmd:COMMAND."
    )


class Images(Model):
    """The container images.

    An image has the same name everywhere, also on nodes and in archives: with the mirror as prefix.
    """

    haproxy: HaproxyImage = Field(HaproxyImage(), description="The haproxy image.")
    keepalived: KeepalivedImage = Field(KeepalivedImage(), description="The keepalived image.")
    registry: Registry = Field(Registry(), description="The registry that nodes pull from.")

    @model_validator(mode="after")
    def _below_the_mirror(self) -> Images:
        below = {
            role: image.model_copy(update={"reference": reference})
            for role, image in (("haproxy", self.haproxy), ("keepalived", self.keepalived))
            if (reference := mirrored(image.reference, self.registry.mirror)) != image.reference
        }
        return self.model_copy(update=below) if below else self


class Containers(Model):
    """Container names and limits."""

    haproxy: ContainerName | None = Field(None, description="Default: NAME-haproxy.")
    keepalived: ContainerName | None = Field(None, description="Default: NAME-keepalived.")
    log_max_size: LogSize = Field("10m", description="Size of one container log file.")
    log_max_file: Whole = Field(3, ge=1, le=100, description="Number of log files of a container.")


class Paths(Model):
    """Paths on the nodes."""

    root: AbsolutePath = Field(
        "/etc/hadeploy", description="The folder of hadeploy, with a subfolder for each cluster."
    )


class Extra(Model):
    """Lines to add to sections of haproxy.cfg."""

    global_: Snippet = Field("", alias="global", description="For the global section.")
    defaults: Snippet = Field("", description="For the defaults section.")
    listener: Snippet = Field("", description="For every listener's frontend.")


class Templates(Model):
    """Template overrides."""

    folder: Line | None = Field(
        None, description="A folder with templates that replace the defaults."
    )
    extra: Extra = Field(Extra(), description="Lines to add to haproxy.cfg.")
