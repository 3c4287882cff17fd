"""Differences that are there on purpose: how each is told, and which line of docs/differences.md gives the reason."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.templates.differences import ABSENT, Difference

Sides = Callable[[Any, Any], bool]
CRASHES = "Cannot read properties|is not a function|is not iterable|Could not get parameter"
NO_TEXT = r"'(?:start|end)sWith'|(?:start|end)sWith is not a function"
NAMED = r"not (?:supported|recognized)|has no aggregation|There is no comparison|is not known"


def _anything(theirs: Any, ours: Any) -> bool:
    return True


def _same_but_for_blanks(theirs: Any, ours: Any) -> bool:
    one, other = (re.sub(r"(?:\s|\\[nt])+", "", json.dumps(each)) for each in (theirs, ours))
    return one == other


def _same_but_for_half_characters(theirs: Any, ours: Any) -> bool:
    one, other = (re.sub(r"\\u(?:d[89a-f]..|fffd)", "", json.dumps(each)) for each in (theirs, ours))
    return one == other and theirs != ours


def _same_but_for_unreadable_characters(theirs: Any, ours: Any) -> bool:
    one, other = (re.sub("[锟斤拷\ufffd]", "", str(each)) for each in (theirs, ours))
    return one == other and theirs != ours


def _nothing_there(theirs: Any, ours: Any) -> bool:
    return theirs in (None, "", "undefined", ABSENT)


def _both_errors(theirs: Any, ours: Any) -> bool:
    return isinstance(theirs, str) and isinstance(ours, str)


def _crash(theirs: Any, ours: Any) -> bool:
    return bool(re.search(CRASHES, json.dumps(theirs)))


def _crash_of_the_execution(theirs: Any, ours: Any) -> bool:
    return theirs == 0 or _crash(theirs, ours)


def _crash_or_nothing(theirs: Any, ours: Any) -> bool:
    return bool(re.search(NAMED, json.dumps(ours))) and (theirs is None or _crash(theirs, ours))


def _text_taken_for_a_date(theirs: Any, ours: Any) -> bool:
    fails = "is only callable on type" in str(theirs) and '"String"' in str(theirs)
    return fails or ("callable on type" in str(ours) and theirs in (None, False, ABSENT, "Invalid DateTime"))


def _no_token(theirs: Any, ours: Any) -> bool:
    return theirs in (None, ABSENT) and bool(re.search("valid HTTP token|Illegal", str(ours)))


def _no_message(theirs: Any, ours: Any) -> bool:
    return theirs == {} and (ours == ABSENT or "method has to be a text" in str(ours))


def _unsent(theirs: Any, ours: Any) -> bool:
    said = "Data after transformation must be a string" in str(theirs)
    return said or (theirs in ("", "application/x-www-form-urlencoded") and ours in ("0", "false", "application/json"))


def _no_part(theirs: Any, ours: Any) -> bool:
    fails = theirs == {} or re.search("Arrays are not supported|source.on is not a function", str(theirs))
    return bool(fails or "\r\nundefined\r\n" in str(theirs))


def _another_order(theirs: Any, ours: Any) -> bool:
    one, other = str(theirs).split("&"), str(ours).split("&")
    return one != other and sorted(one) == sorted(other)


def _another_order_of_names(theirs: Any, ours: Any) -> bool:
    """Whether both are JSON of the same values."""
    try:
        one, other = json.loads(str(theirs)), json.loads(str(ours))
    except ValueError:
        return False
    return theirs != ours and isinstance(one, dict) and bool(one == other)


def _no_syntax(theirs: Any, ours: Any) -> bool:
    return "<isolated-vm>" in str(theirs) and ours == "invalid syntax"


def _no_file(theirs: Any, ours: Any) -> bool:
    files = theirs.values() if isinstance(theirs, dict) else [theirs]
    return ours in (None, ABSENT) and not all(isinstance(file, dict) for file in files)


def _unpaired(theirs: Any, ours: Any) -> bool:
    return ours == ABSENT and "Paired item data for item from node" in str(theirs)


def _no_object(theirs: Any, ours: Any) -> bool:
    return ours == ABSENT and isinstance(theirs, str | int | float)


def _a_batch_of_nothing(theirs: Any, ours: Any) -> bool:
    return theirs == 0 or "'batchSize' expects a number" in str(ours)


@dataclass(frozen=True)
class Settled:
    """A cause: how its line begins, and what the node's type, its parameters and both sides have in common then."""

    line: str
    kinds: frozenset[str]
    sides: Sides = _anything
    parameters: re.Pattern[str] = re.compile("")

    def explains(self, difference: Difference, kind: str, parameters: str) -> bool:
        fits = (not self.kinds or kind in self.kinds) and bool(self.parameters.search(parameters))
        return fits and self.sides(difference.theirs, difference.ours)


def _settled(line: str, kinds: str, sides: Sides = _anything, parameters: str = "") -> Settled:
    return Settled(line, frozenset(kinds.split()), sides, re.compile(parameters))


DISK = "readWriteFile readBinaryFile readBinaryFiles writeBinaryFile"
METHODS = r"\.(?:toString|toLocaleString|valueOf|hasOwnProperty|isPrototypeOf|propertyIsEnumerable)\b(?!\s*[(?])"
CHOICES = (
    '"(?:operator|operation|mode|action|type|dataType|aggregate|aggregation|combinationMode|combineBy|returnValue)": '
)
CAUSES = (
    _settled("HTML without a template", "html", parameters=r'^(?!.*"(?:html|operation)": )'),
    _settled("HTML without a template", "", lambda _, ours: "<title>A new page</title>" in str(ours)),
    _settled("XML of an empty text", "xml", _crash_of_the_execution),
    _settled("Expressions: template literals and strings over several lines", "", _same_but_for_blanks, "`"),
    _settled("Expressions: `a?.[b]` where `a` is undefined", "", _nothing_there, r"\?\.\["),
    _settled("Text with half a character", "", _same_but_for_half_characters),
    _settled("Expressions: a field with the name of a method", "", parameters=METHODS),
    _settled("HTTP Request: many U+FFFD", "httpRequest", _same_but_for_unreadable_characters),
    _settled("Read/Write Files from Disk", DISK, lambda _, ours: "keeps no files" in str(ours)),
    _settled("Loop Over Items: a batch size", "splitInBatches", _a_batch_of_nothing, '"batchSize": '),
    _settled("Code, for each item: `$binary`", "code", lambda theirs, _: "undefined" in str(theirs), r"\$binary"),
    _settled("Function, Function Item: the program fails", "function functionItem", _both_errors),
    _settled(
        "A list of field names that is neither text nor a list",
        "summarize itemLists set splitOut aggregate merge",
        _crash,
    ),
    _settled(
        "Merge, Compare Datasets: no pair", "merge compareDatasets", lambda _, ours: "least one pair" in str(ours)
    ),
    _settled("Stop and Error", "stopAndError", lambda theirs, _: theirs == "" or "search for 'desc" in str(theirs)),
    _settled("Expressions: methods on a text as a date's", "", _text_taken_for_a_date, r"\.\w+\("),
    _settled("Expressions: JavaScript that is broken", "", _no_syntax),
    _settled("A list of entries", "", lambda theirs, _: theirs == 0, r'": (?:null|\{\})'),
    _settled("A list of entries", "", lambda theirs, _: bool(re.search("is not iterable|'rightType'", str(theirs)))),
    _settled("A list of entries", "", lambda theirs, _: theirs == 0, r'"values": (?!\[|\{)'),
    _settled("HTTP Request, Code's `helpers`: a header name or method that is no token", "httpRequest", _no_token),
    _settled(
        "A list of entries", "set", lambda _, ours: ours == ABSENT, '"assignments": (?!\\[{)|(?:, |\\[)(?!{)[^{}]*\\]'
    ),
    _settled("A list of entries", "if filter", lambda theirs, _: theirs == 0, r'"(?:boolean|number|string)": (?!\[)'),
    _settled("A list of entries", "if filter", _crash, r'"(?:boolean|number|string|dateTime)": \[(?!\{)'),
    _settled("A list of entries", "compareDatasets", parameters=r'"values": \[(?!\{)'),
    _settled("A list of entries", "aggregate", lambda theirs, _: "The '' output field" in str(theirs)),
    _settled("IF, Filter, Switch 1", "if filter switch", lambda theirs, _: bool(re.search(NO_TEXT, str(theirs)))),
    _settled("HTTP Request: a file of a multipart form", "httpRequest", lambda theirs, _: "g 'value')" in str(theirs)),
    _settled("HTTP Request 1 and 2: a header name", "httpRequest", lambda theirs, _: "g 'accept')" in str(theirs)),
    _settled("HTTP Request 1 and 2: a header name", "httpRequest", _no_object, r'"headerParametersJson": (?:"=|\[)'),
    _settled("HTTP Request: a method that is no text", "httpRequest", _no_message),
    _settled("HTTP Request: a JSON or raw body", "httpRequest", _unsent, '"(?:jsonBody|body)": (?!"[^=])'),
    _settled("HTTP Request: a field of a multipart form", "httpRequest", _no_part, '"multipart-form-data"'),
    _settled("HTTP Request: a form beside", "httpRequest", parameters=r"form-urlencoded.*multipart/form-data"),
    _settled("HTTP Request: a query parameter, or a field of a form", "httpRequest", _another_order, r'"name": "\d+"'),
    _settled("Fields whose names are whole numbers", "", _another_order_of_names, r'"\d+\\*"'),
    _settled(
        "HTTP Request: a timeout that is no number", "httpRequest", lambda theirs, _: "config.timeout" in str(theirs)
    ),
    _settled(
        "HTTP Request 1 and 2: headers, query or body as JSON that is none",
        "httpRequest",
        lambda theirs, _: "is no valid JSON. Set Body" in str(theirs),
    ),
    _settled(
        "HTTP Request 1 and 2: an answer that should be JSON",
        "httpRequest",
        lambda theirs, _: "not valid JSON" in str(theirs),
    ),
    _settled("A list of entries", "httpRequest", parameters=r'"parameters": "'),
    _settled("A list of entries", "httpRequest", lambda theirs, _: theirs == 0, r'"parameters": \[(?!\{)'),
    _settled("A time zone that does not exist", "", lambda theirs, _: "Invalid timezone" in str(theirs)),
    _settled("Switch: a rule fails", "switch", lambda theirs, _: "reading 'push'" in str(theirs), "={{"),
    _settled(
        "Crypto: a name of the output field", "crypto", _crash, '"dataPropertyName": (?!")|"dataPropertyName": "='
    ),
    _settled("Merge: a number of inputs below 0", "merge", lambda theirs, _: theirs == 0, '"numberInputs": -'),
    _settled("The error of an item that a node of several outputs", "", _unpaired),
    _settled("Extract From File: malformed", "extractFromFile", lambda theirs, ours: theirs == 0 and ours > 0),
    _settled("Switch by an expression", "switch", lambda _, ours: ours == 0, '"numberOutputs": (?![0-9])'),
    _settled("Code: what stands under `binary`", "code", _no_file, "binary"),
    _settled("Edit Fields: a text, number, Date or Duration", "set", _no_object, r"Object\.assign|Date|Duration"),
    _settled("Edit Fields: a field called `__proto__`", "set", lambda theirs, _: theirs in (ABSENT, {}), "__proto__"),
    _settled("Edit Fields, JSON: a date in quotes", "set", lambda theirs, _: "invalid JSON" in str(theirs), "Date|now"),
    _settled(
        "Code Tool in Python, LangChain Code", "code", lambda _, ours: ours == 0, r'"code": \{"(?:execute|supply)'
    ),
    _settled("An operation, mode or other choice", "", _crash_or_nothing, CHOICES),
)


def reason_for(difference: Difference, kind: str, parameters: str) -> str | None:
    """The line of docs/differences.md that settles a difference at a node of that kind; None: none does."""
    return next((each.line for each in CAUSES if each.explains(difference, kind, parameters)), None)
