"""`python -m app`: the same as `executions`."""

from app.commands import main

main(prog_name="executions")
