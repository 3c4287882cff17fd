"""`python -m app`: the same as `executions`. Ctrl-C while it loads ends it without a traceback."""

import signal

TAKEN = signal.getsignal(signal.SIGINT)
if TAKEN is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from app.commands import main as commands  # noqa: E402 - only now


def main() -> None:
    """Run the command that the arguments name."""
    signal.signal(signal.SIGINT, TAKEN)
    commands(prog_name="executions")


if __name__ == "__main__":
    main()
