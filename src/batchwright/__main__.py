"""The command, and ``python -m batchwright``."""

from batchwright.cli import collector


def main() -> None:
    """Run the command, and exit with its code."""
    collector.hold()  # before the imports, which make most of what is there
    from batchwright.cli.main import main as run_command

    run_command()


if __name__ == "__main__":
    main()
