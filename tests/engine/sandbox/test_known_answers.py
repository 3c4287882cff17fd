"""Answers of the host are kept within one request, and never for the next one."""

import json
import subprocess

from app.engine.sandbox.process import NODE
from app.places import APP

FILE = APP / "engine/sandbox/js/known_answers.js"
PROGRAM = """
const { KnownAnswers } = require(process.argv[1]);
const asked = [];
const known = new KnownAnswers((...given) => { asked.push(given); return given.join(); });
const told = [];
for (const [operation, ...given] of JSON.parse(require('fs').readFileSync(0, 'utf8'))) {
  if (operation === 'forget') known.forget();
  else told.push([known.answer(operation, ...given), asked.length]);
}
console.log(JSON.stringify(told));
"""


def answers(*questions: list[str]) -> list[list[object]]:
    """Each answer, with how often the host has been asked by then."""
    command = [str(NODE), "-e", PROGRAM, str(FILE)]
    ran = subprocess.run(command, input=json.dumps(questions), capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def test_a_text_is_asked_for_once_in_a_request_and_anew_in_the_next() -> None:
    same = ["hash", "a", "md5"]
    others = [["hash", "a", "sha1"], ["hash", "5a", "md"], ["titleCase", "a", "md5"]]
    assert answers(same, same, *others, same, ["forget"], same) == [
        ["hash,a,md5", 1],
        ["hash,a,md5", 1],
        ["hash,a,sha1", 2],
        ["hash,5a,md", 3],
        ["titleCase,a,md5", 4],
        ["hash,a,md5", 4],
        ["hash,a,md5", 5],
    ]


def test_what_is_long_or_comes_once_is_not_kept() -> None:
    long = ["hash", "x" * 198, "md5"]
    assert [count for _, count in answers(long, long)] == [1, 2]
    many = [["hash", f"{number}", "md5"] for number in range(60)]
    assert answers(*many, many[0])[-1] == ["hash,0,md5", 61]
    assert answers(*many, ["forget"], many[0], many[0])[-1] == ["hash,0,md5", 61], "the next request is looked up again"
