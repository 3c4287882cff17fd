"""The properties of test_parsing under Atheris, which looks for what makes new lines of the program run.

`.venv/bin/python -m tests.fuzz.guided workflow -max_total_time=600` goes on for ten minutes; what fails is printed, and
kept as a file that is given again as the last argument.
"""

import sys

import atheris

with atheris.instrument_imports(include=["app"]):
    from tests.fuzz import test_parsing

TARGETS = {
    "cursor": test_parsing.test_a_cursor_is_one_of_ours_or_invalid,
    "query": test_parsing.test_a_query_loads_or_says_what_is_wrong,
    "workflow": test_parsing.test_a_workflow_is_taken_or_refused,
    "input": test_parsing.test_what_a_run_is_given_is_taken_or_refused,
}

if __name__ == "__main__":
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target.hypothesis.fuzz_one_input)
    atheris.Fuzz()
