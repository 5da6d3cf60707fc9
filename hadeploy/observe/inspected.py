"""The fields of `docker container inspect` that hadeploy uses, validated.

All supported engines write these fields; null means the same as absent.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class _Part(BaseModel):
    model_config = ConfigDict(strict=True)


class _State(_Part):
    Status: str
    StartedAt: str = ""
    FinishedAt: str = ""
    OOMKilled: bool = False
    ExitCode: int = 0
    Pid: int = 0


class _Config(_Part):
    Image: str
    Labels: dict[str, str] | None = None
    Entrypoint: list[str] | None = None
    Cmd: list[str] | None = None
    StopSignal: str | None = None
    StopTimeout: int | None = None
    User: str = ""


class _Limit(_Part):
    Name: str
    Hard: int


class _RestartPolicy(_Part):
    Name: str = ""
    MaximumRetryCount: int = 0


class _LogConfig(_Part):
    Config: dict[str, str] | None = None


class _HostConfig(_Part):
    Ulimits: list[_Limit] | None = None
    RestartPolicy: _RestartPolicy | None = None
    NetworkMode: str = ""
    ReadonlyRootfs: bool = False
    Privileged: bool = False
    AutoRemove: bool = False
    Binds: list[str] | None = None
    Tmpfs: dict[str, str] | None = None
    CapAdd: list[str] | None = None
    LogConfig: _LogConfig | None = None


class _Binding(_Part):
    HostPort: str = ""


class _NetworkSettings(_Part):
    Ports: dict[str, list[_Binding] | None] | None = None


class PublishedPorts(_Part):
    """The fields with the published ports."""

    HostConfig: _HostConfig = _HostConfig()
    NetworkSettings: _NetworkSettings = _NetworkSettings()


class Inspected(PublishedPorts):
    """One container."""

    Id: str
    Name: str
    Image: str
    State: _State
    Config: _Config
    RestartCount: int = 0
