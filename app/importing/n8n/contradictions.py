"""Options of a move that do not go together, and what to give instead."""

from collections.abc import Mapping, Set

LOOKS = "--dry-run writes nothing and starts nothing"
REHEARSES = "--rehearse writes nothing and starts nothing"
BRINGS = "give it once what comes is brought"

CONTRADICTORY: Mapping[tuple[str, str], str] = {
    ("dry_run", "rehearse"): f"{LOOKS}, and runs nothing: give one after the other",
    ("dry_run", "follow"): f"{LOOKS}, so there is nothing to follow: leave one of them out",
    ("dry_run", "activate"): f"{LOOKS}: leave --activate out, and {BRINGS}",
    ("dry_run", "remove_demo"): f"{LOOKS}: leave --remove-demo out, and {BRINGS}",
    ("rehearse", "follow"): f"{REHEARSES}, so there is nothing to follow: leave one of them out",
    ("rehearse", "activate"): f"{REHEARSES}: leave --activate out, and {BRINGS}",
    ("rehearse", "remove_demo"): f"{REHEARSES}: leave --remove-demo out, and {BRINGS}",
    ("rehearse", "no_executions"): "--rehearse runs executions, and --no-executions brings none: leave one of them out",
    ("rehearse", "api_keys"): f"{REHEARSES}: leave --api-keys out, and {BRINGS}",
    ("rehearse", "keep_projects"): f"{REHEARSES}: leave --keep-projects out, and {BRINGS}",
    ("rehearse", "project"): f"{REHEARSES}: leave --project out, and {BRINGS}",
    ("follow", "activate"): (
        "--activate is the switch, at which what runs in n8n stops: end --follow, stop n8n, and then give --activate"
    ),
}
"""Of each pair of options both make sense alone; the names are those of what `flask import n8n` is given."""


def find_contradiction(given: Set[str], source: str) -> str | None:
    """Why these options do not go together, or not with this source; None where they do."""
    for pair, sentence in CONTRADICTORY.items():
        if given >= set(pair):
            return sentence
    if "every" in given and "follow" not in given:
        return "--every says how often --follow looks: give --follow, too, or leave --every out"
    of_api = source.startswith(("http://", "https://"))
    of_postgresql = source.startswith(("postgres://", "postgresql://")) or "dbname=" in source
    if "schema" in given and not of_postgresql:
        return "--schema is for a SOURCE in PostgreSQL (postgresql://...): leave it out"
    if "table_prefix" in given and of_api:
        return "--table-prefix is for a SOURCE that is a database: leave it out"
    if "api_key_file" in given and not of_api:
        return "--api-key-file is for a SOURCE that is n8n's API (https://...): leave it out"
    return None
