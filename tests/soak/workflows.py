"""What the soak runs: small workflows whose nodes leave a trace outside, by calling the far side."""

from typing import Any

from tests.workflows import assign, chain, node

HOOK = "soak-hook"


class Document:
    """A workflow of nodes in a row, as a client would send it."""

    def __init__(self, name: str, far_side: str) -> None:
        self._name = name
        self._far_side = far_side
        self._nodes: list[dict[str, Any]] = []

    def node(self, name: str, kind: str, version: float, **parameters: Any) -> "Document":
        webhook_id = f"{self._name}-{len(self._nodes)}"
        self._nodes.append(node(name, kind, parameters, version, webhookId=webhook_id))
        return self

    def call(self, name: str, path: str = "step") -> "Document":
        """A node that tells the far side who calls, and puts out what it answers: the token, the execution, ..."""
        url = f"={self._far_side}/{path}?node={name}&execution={{{{ $execution.id }}}}&token={{{{ $json.token }}}}"
        if path == "resumable":
            url += "&resume={{ encodeURIComponent($execution.resumeUrl) }}"
        return self.node(name, "httpRequest", 4.2, url=url, options={"timeout": 20_000})

    def build(self) -> dict[str, Any]:
        return chain(*self._nodes, name=self._name, settings={"executionOrder": "v1"})


def documents(far_side: str) -> dict[str, dict[str, Any]]:
    """The workflows by name; `far_side` is the address that their nodes call."""

    def begin(name: str) -> Document:
        return Document(name, far_side).node("Start", "manualTrigger", 1)

    hook = Document("hook", far_side).node("Webhook", "webhook", 2, path=HOOK, responseMode="lastNode", options={})
    edit = assign(("token", "string", "={{ $json.query.token }}"))
    made = [
        begin("quick").call("First").call("Last"),
        begin("slow").call("First").call("Slow", "slow").call("Last"),
        begin("failing").call("First").call("Fragile", "fragile").call("Last"),
        begin("pausing").call("First").node("Wait", "wait", 1.1, resume="timeInterval", amount=1).call("Last"),
        begin("called").call("First", "resumable").node("Call", "wait", 1.1, resume="webhook"),
        hook.node("Edit", "set", 3.4, **edit).call("First").call("Last"),
        Document("child", far_side).node("Start", "executeWorkflowTrigger", 1).call("First").call("Last"),
    ]
    return {document["name"]: document for document in (one.build() for one in made)}


def parent_of(child_id: str, far_side: str) -> dict[str, Any]:
    """A workflow that runs another as a part of it."""
    document = Document("parent", far_side).node("Start", "manualTrigger", 1).call("First")
    document.node(
        "Child", "executeWorkflow", 1.2, workflowId={"__rl": True, "mode": "id", "value": child_id}, options={}
    )
    return document.call("Last").build()
