"""The command line: the table of commands, the handling of errors, and the exit codes."""

from __future__ import annotations

import ast
import gc
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from typing import Any

import click

from hadeploy import __version__
from hadeploy.cli.open_files import (
    MIN_OPEN_FILES,
    limit_error,
    limit_reached,
    require_open_files,
)
from hadeploy.cli.options import common_options
from hadeploy.errors import ExitCode, HadeployError
from hadeploy.ui.signals import handle_signals
from hadeploy.ui.streams import output_failure, protect_streams

# New objects between two garbage collections (https://docs.python.org/3/library/gc.html). A short
# run creates about 110,000 objects, most of them in imports, and almost none is garbage.
COLLECT_AFTER = 200_000

# name → module:attribute; the module of a command is imported only when the command runs.
COMMANDS = {
    "check": "hadeploy.cli.check:check",
    "plan": "hadeploy.cli.plan:plan",
    "up": "hadeploy.cli.up:up",
    "verify": "hadeploy.cli.verify:verify",
    "status": "hadeploy.cli.status:status",
    "logs": "hadeploy.cli.logs:logs",
    "down": "hadeploy.cli.down:down",
    "support": "hadeploy.cli.support:support",
    "drill": "hadeploy.cli.drill:drill",
    "drain": "hadeploy.cli.drain:drain",
    "undrain": "hadeploy.cli.drain:undrain",
    "unlock": "hadeploy.cli.unlock:unlock",
    "render": "hadeploy.cli.render:render",
    "images": "hadeploy.cli.images:images",
    "schema": "hadeploy.cli.schema:schema",
    "lab": "hadeploy.cli.lab:lab",
}

# With --json, these commands print one object per line, and no document.
STREAMS = ("logs",)


class LazyGroup(click.Group):
    """A group that imports a command only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of COMMANDS."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}:{attribute} is not a command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table without an import of all commands, which takes a second."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, _summary(where)) for name, where in COMMANDS.items()])


def _summary(where: str) -> str:
    """The first line of a command's docstring, read from the source."""
    module, _, function = where.partition(":")
    spec = importlib.util.find_spec(module)
    source = (
        spec.loader.get_source(module) if spec and isinstance(spec.loader, SourceFileLoader) else ""
    )
    tree = ast.parse(source or "")
    found = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == function]
    text = (ast.get_docstring(found[0]) if found else "") or ""
    return text.partition("\n")[0].partition(" (read-only)")[0].rstrip(".") + "."


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@common_options
@click.version_option(__version__, message="hadeploy %(version)s")
@click.pass_context
def cli(ctx: click.Context, /, **common: object) -> None:
    """Deploy a highly available TCP load balancer for Kubernetes API servers.

    One inventory file describes the nodes and the virtual IP. With -i repeated, or a directory of
    inventories, a command runs on several clusters.
    """
    name = ctx.invoked_subcommand or ""
    command = ctx.command.get_command(ctx, name) if isinstance(ctx.command, click.Group) else None
    taken = _options_of(command) if command else set()
    given = {param: value for param, value in common.items() if value}
    for param in ctx.command.params:
        if param.name in given and param.name not in taken:
            raise click.UsageError(f"{name} has no option {param.opts[0]}", ctx)
    # An option after the command overrides the same option before it.
    below = command.commands if isinstance(command, click.Group) else None
    ctx.default_map = {name: given if below is None else dict.fromkeys(below, given)}


def _options_of(command: click.Command) -> set[str | None]:
    """The names of the options of a command; of a group, the options that its commands share."""
    if isinstance(command, click.Group):
        return set.intersection(*(_options_of(below) for below in command.commands.values()))
    return {param.name for param in command.params}


def main(report: Callable[[HadeployError], None] | None = None) -> None:
    """Run a command and end the process with its exit code; show tracebacks only with --debug.

    Args:
        report: reports the error (default: prints it on stderr).
    """
    debug = "--debug" in sys.argv
    gc.set_threshold(COLLECT_AFTER)
    # The search for pydantic plugins, of which there are none, takes as long as the inventory.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    protect_streams()
    handle_signals()
    try:
        require_open_files(MIN_OPEN_FILES)
        code = cli.main(standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.stdout.flush()
        sys.stderr.flush()
        # All connections are closed. Do not wait for threads that still open one.
        os._exit(ExitCode.INTERRUPTED)
    except click.ClickException as error:
        error.show()
        if "--json" in sys.argv and isinstance(error, click.UsageError) and not _streams(error):
            _module("hadeploy.cli.outcome").misused(error).print()
        code = ExitCode.USAGE
    except HadeployError as error:
        if debug:
            raise
        (report or _report)(error)
        code = error.code
    except BrokenPipeError:
        code = ExitCode.FAILED
    except Exception as error:
        if debug:
            raise
        if limit_reached(error):
            (report or _report)(limit_error())
            sys.exit(ExitCode.FAILED)
        message = _module("hadeploy.ui.console").without_control(str(error))
        click.echo(f"internal error: {type(error).__name__}: {message}", err=True)
        click.echo("  next: repeat the command with --debug and report its output", err=True)
        code = ExitCode.FAILED
    code = _exit_code(int(code or 0))
    # Skip the last garbage collection of the interpreter: the process ends anyway.
    gc.freeze()
    sys.exit(code)


def _exit_code(code: int) -> int:
    """The exit code; FAILED instead of 0 if output was lost."""
    lost = output_failure()
    if lost is None:
        return code
    click.echo(lost, err=True)
    return code or ExitCode.FAILED


def _streams(error: click.UsageError) -> bool:
    return error.ctx is not None and error.ctx.info_name in STREAMS


def _report(error: HadeployError) -> None:
    console = _module("hadeploy.ui.console").make_console(
        stderr=True, no_color="--no-color" in sys.argv
    )
    _module("hadeploy.ui.render").print_error(console, error)


def _module(name: str) -> Any:
    # Imported only when needed, so that --help and --version stay fast.
    return importlib.import_module(name)
