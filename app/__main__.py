"""`python -m app`: the same as `executions`."""

from app.commands import main

if __name__ == "__main__":
    main(prog_name="executions")
