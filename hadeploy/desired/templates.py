"""Rendering of templates; those in the user's directory override hadeploy's own."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import jinja2

from hadeploy.desired.folders import shipped_templates
from hadeploy.errors import ExitCode, HadeployError

NAMES = ("haproxy.cfg", "keepalived.conf", "check-haproxy.sh")
EXPRESSION_ERRORS = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError)


@functools.cache
def environment(override: Path | None) -> jinja2.Environment:
    """A cached Jinja environment, in which an undefined name is an error.

    Args:
        override: the user's directory of templates, or None.
    """
    folders = [str(f) for f in (override, shipped_templates()) if f is not None]
    jinja = jinja2.Environment(
        loader=_Loader(folders, override),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - configuration files, not HTML
    )
    jinja.filters["section"] = _section
    jinja.filters["number"] = lambda value: f"{value:g}"
    return jinja


def render(jinja: jinja2.Environment, name: str, **values: Any) -> str:
    """Render one template.

    Raises:
        HadeployError: the template has an error; the message names the file and line.
    """
    try:
        return jinja.get_template(f"{name}.j2").render(**values)
    except jinja2.TemplateSyntaxError as error:
        where = f"{error.filename or error.name}:{error.lineno}"
        raise HadeployError(
            str(error.message), operation=f"reading template {where}", code=ExitCode.USAGE
        ) from error
    except (jinja2.TemplateError, *EXPRESSION_ERRORS) as error:
        raise HadeployError(
            str(error), operation=f"rendering template {name}.j2", code=ExitCode.USAGE
        ) from error


class _Loader(jinja2.FileSystemLoader):
    """Records the templates that were read from the user's directory, including included ones.

    Attributes:
        digests: name in the directory → SHA-256 of the template, in hex.
    """

    def __init__(self, folders: list[str], override: Path | None) -> None:
        super().__init__(folders)
        self._override = override
        self.digests: dict[str, str] = {}

    def get_source(
        self, environment: jinja2.Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        source, path, is_current = super().get_source(environment, template)
        if self._override and Path(path).is_relative_to(self._override):
            self.digests[template] = hashlib.sha256(source.encode()).hexdigest()
        return source, path, is_current


def template_digests(override: Path | None) -> Mapping[str, str]:
    """The templates that were read from the user's directory: name → SHA-256, in hex.

    Args:
        override: as for `environment`.
    """
    loader = environment(override).loader
    return dict(loader.digests) if isinstance(loader, _Loader) else {}


def compile_all(override: Path | None) -> None:
    """Compile all templates in advance; `render` reports their errors.

    Args:
        override: as for `environment`.
    """
    for name in NAMES:
        with suppress(jinja2.TemplateError):
            environment(override).get_template(f"{name}.j2")


def _section(lines: str) -> str:
    """The user's lines, with the indentation of a section."""
    return "".join(f"    {line.strip()}\n" for line in lines.splitlines() if line.strip())
