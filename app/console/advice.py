"""What to do about an error, told from its name and message. Knows nobody."""

import re

_ADVICE = (
    (
        r"ECONNREFUSED|refused the connection|Connection refused|connect to|ENOTFOUND|getaddrinfo|Name or service",
        "The other side could not be reached. See that its address is right and that it runs, then retry from here.",
    ),
    (
        r"not allowed to reach|private address|EXECUTIONS_ALLOWED_HOSTS",
        "Workflows reach public addresses only. The operator can name this one in EXECUTIONS_ALLOWED_HOSTS.",
    ),
    (
        r"\b401\b|Unauthorized|authorization failed|authentication failed|invalid credentials|Forbidden|\b403\b",
        "The other side did not accept the credential. Change it, and retry from here: the new one is used.",
    ),
    (
        r"\b429\b|Too many requests|rate limit",
        "The other side asks for fewer calls. Retry from here later, or let the node wait between its tries.",
    ),
    (
        r"time[d]? ?out|ETIMEDOUT|deadline|took too long",
        "It took too long. Retry from here; if it happens again, give it more time or less to do at once.",
    ),
    (r"\b50[0234]\b|Bad gateway|Service unavailable", "The other side had trouble of its own. Retry from here later."),
    (
        r"Credential|credential",
        "The node's credential is missing or does not fit. Choose one in the workflow, and retry with its current "
        "version.",
    ),
    (
        r"is not defined|is not a function|Cannot read propert|undefined|Unexpected token|SyntaxError|ReferenceError",
        "The program or an expression of this node stumbled over its input. Look at the input below: change it and "
        "retry from here, or mend the node and retry with the current version.",
    ),
    (
        r"memory|too large|limit of",
        "There was too much at once. Take the items in smaller portions, or raise the limit that it names.",
    ),
    (
        r"Unknown node type|Unrecognized node|not supported|no such node",
        "This program does not run that node. Another node, or a package, may do its work.",
    ),
)
ADVICE = tuple((re.compile(pattern, re.IGNORECASE), advice) for pattern, advice in _ADVICE)
ANYTHING = "Look at the input of this node: change it and retry from here, or mend the workflow and retry with it."
SUB_EXECUTION = "It failed in the execution that it started: what went wrong is told there."
ENDED_AT_ONCE = {
    "crashed": "The worker that ran it was lost. A retry goes on at the node that it had come to.",
    "canceled": "It was stopped. A retry goes on at the node that it had come to.",
}
"""Of executions that no node has let fail."""


def advice_for(message: str, name: str | None = None) -> str:
    """A sentence or two."""
    text = f"{name or ''} {message}"[:2_000]
    return next((advice for pattern, advice in ADVICE if pattern.search(text)), ANYTHING)
