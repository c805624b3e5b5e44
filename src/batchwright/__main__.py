"""The command line, as ``batchwright`` and ``python -m batchwright`` start it."""

import signal

from batchwright.cli import collector


def main() -> None:
    """Run the command. Ctrl-C ends the process without a traceback also while that is imported."""
    collector.hold()  # before the imports, which make most of what is there
    interrupts = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if interrupts:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from batchwright.cli.main import main as command  # takes most of the start

    if interrupts:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    command()


if __name__ == "__main__":
    main()
