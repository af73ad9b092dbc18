"""The commands: finds the one asked for, loads only its module, turns errors into exit codes.

Unaware of what any command does.
"""

from __future__ import annotations

import importlib
import sys
from typing import Final, NoReturn

import click

from affected import __version__
from affected.cli.exit_status import ExitStatus
from affected.errors import BaseUnresolved, UserError

COMMANDS: Final = {
    "init": "Write settings, CI files and the hook, after showing them.",
    "run": "Run what a change can have altered; reuse the rest.",
    "list": "List what a change affects, and why.",
    "shards": "Plan how to spread what must run over machines.",
    "gate": "Check that every shard reported and passed.",
    "audit": "Run a sample of what would be skipped, and say what was missed.",
    "blame": "Say which commits changed an input of a test.",
    "hook": "Check what is pushed, before it is.",
    "explain": "Say why a target or test runs, or why it may be skipped.",
    "graph": "Show who needs whom.",
    "cache": "Show, trim or empty the local cache.",
    "doctor": "Say what is set up, what is not, and what it costs.",
}


class LazyGroup(click.Group):
    """Imports a command's module when the command is used, not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Every command's name, in the order in which a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command object; None when there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"affected.cli.{cmd_name}_command")
        command = module.command
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list of commands, without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest name in the error."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib  # noqa: PLC0415  (only on the way to an error)

            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean `{close[0]}`?" if close else ""
            ctx.fail(f"No such command `{args[0]}`.{hint}")
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="affected")
def program() -> None:
    """Run only the tests that a change can have altered, with a proof for every skip."""


def execute() -> NoReturn:
    """Run the command line and exit."""
    try:
        status = _once_more()
    except click.ClickException as error:
        error.show()
        sys.exit(ExitStatus.USAGE)
    except UserError as error:
        _say(error)
        sys.exit(ExitStatus.BASE if isinstance(error, BaseUnresolved) else ExitStatus.USAGE)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(ExitStatus.INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(ExitStatus.FAILED)
    sys.exit(status)


def _once_more() -> int:
    """Runs the command; a second time if the index is found damaged: by then it is a new one."""
    try:
        return _status(program.main(prog_name="affected", standalone_mode=False))
    except UserError as trouble:
        from affected.state.rows import IndexDamaged  # noqa: PLC0415  (only on the way to an error)

        if not isinstance(trouble, IndexDamaged):
            raise
        click.echo(f"warning: {trouble.message}", err=True)
        return _status(program.main(prog_name="affected", standalone_mode=False))


def _status(returned: object) -> int:
    """What a command gave to `ctx.exit`, which click returns; else all is well."""
    return returned if isinstance(returned, int) else ExitStatus.OK


def _say(error: UserError) -> None:
    click.echo(f"error: {error.message}", err=True)
    if error.hint:
        click.echo(f"hint: {error.hint}", err=True)
