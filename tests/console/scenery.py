"""Workflows and executions as a shop might have them: what pictures show."""

from collections.abc import Callable
from typing import Any

from tests.workflows import code, condition, node, set_field, wait, workflow

Call = Callable[[str, str, Any], Any]
"""Calls the API: method, path below /api/v1, body; returns what it answers."""

ORDERS = [
    {"order": "A-1042", "customer": "Ada", "total": 129.5, "country": "GB"},
    {"order": "A-1043", "customer": "Grace", "total": 18.2, "country": "US"},
    {"order": "A-1044", "customer": "Edsger", "total": 940, "country": "NL"},
]
CHECK = """
for (const { json } of $input.all()) {
  $execution.customData.set('order', json.order);
  if (json.stock === 0) throw new Error(`No stock for ${json.order}: 0 of ${json.pieces} pieces are left`);
}
return $input.all();
"""
PRICE = "return $input.all().map(({ json }) => ({ json: { ...json, vat: Math.round(json.total * 19) / 100 } }));"
RATES = "if ($json.fail) throw new Error(`The rates of ${$json.bank} answered 503: Service unavailable`); return $json;"


def at(x: int, y: int, made: dict[str, Any]) -> dict[str, Any]:
    return {**made, "position": [x, y]}


def orders() -> dict[str, Any]:
    """Takes orders, splits them, ships or asks."""
    big = node("Big order?", "if", condition("={{ $json.total }}", "number", "gt", 500), 2.2)
    note = node("About", "stickyNote", {"content": "Orders of the shop: big ones wait for a signature."})
    note["parameters"] |= {"width": 420, "height": 90}
    hook = node("Order comes", "webhook", {"path": "orders", "httpMethod": "POST"}, 2, webhookId="orders")
    return workflow(
        [
            at(-20, -190, note),
            at(0, -60, hook),
            at(0, 120, node("By hand", "manualTrigger")),
            at(220, 30, code(PRICE, "Add VAT")),
            at(440, 30, code(CHECK, "Reserve stock")),
            at(660, 30, big),
            at(880, -70, set_field("message", "={{ $json.order }} needs a signature", "Ask for a signature")),
            at(880, 130, set_field("message", "={{ $json.order }} is on its way", "Ship")),
            at(1100, 30, node("Tell the customer", "noOp")),
        ],
        ("Order comes", "Add VAT"),
        ("By hand", "Add VAT"),
        ("Add VAT", "Reserve stock"),
        ("Reserve stock", "Big order?"),
        ("Big order?", 0, "Ask for a signature"),
        ("Big order?", 1, "Ship"),
        ("Ask for a signature", "Tell the customer"),
        ("Ship", "Tell the customer"),
        name="Take orders",
    )


def rates() -> dict[str, Any]:
    """Fetches rates each morning."""
    every = {"rule": {"interval": [{"field": "days", "triggerAtHour": 6}]}}
    fetch = node("Fetch rates", "code", {"mode": "runOnceForEachItem", "jsCode": RATES}, 2)
    return workflow(
        [
            at(0, 0, node("Each morning", "scheduleTrigger", every, 1.2)),
            at(0, 180, node("By hand", "manualTrigger")),
            at(220, 90, fetch),
            at(440, 90, node("Keep them", "noOp")),
        ],
        ("Each morning", "Fetch rates"),
        ("By hand", "Fetch rates"),
        ("Fetch rates", "Keep them"),
        name="Exchange rates",
    )


def reminders() -> dict[str, Any]:
    """Waits before it reminds."""
    return workflow(
        [
            at(0, 0, node("By hand", "manualTrigger")),
            at(220, 0, wait(86_400, "A day later")),
            at(440, 0, node("Remind", "noOp")),
        ],
        ("By hand", "A day later"),
        ("A day later", "Remind"),
        name="Payment reminders",
    )


def set_scene(call: Call) -> None:
    """Store the workflows, run them in all ways, and leave tags and votes."""
    made = [call("POST", "/workflows", document()) for document in (orders, rates, reminders)]
    shop, bank, later = (each["id"] for each in made)
    for workflow_id in (shop, bank):
        call("POST", f"/workflows/{workflow_id}/activate", None)

    def run(workflow_id: str, items: list[dict[str, Any]]) -> dict[str, Any]:
        body = {"input": items, "startNode": "By hand", "wait": 0 if workflow_id == later else 20}
        return dict(call("POST", f"/workflows/{workflow_id}/run", body))

    run(bank, [{"bank": "ECB"}])
    for number in range(6):
        run(shop, [{**ORDERS[number % 3], "order": f"A-{1030 + number}"}])
        run(bank, [{"bank": "ECB", "fail": number in (2, 3)}])
    kept = run(shop, ORDERS)
    call("PATCH", f"/executions/{kept['id']}", {"annotation": {"tags": ["checked"], "vote": "up"}})
    run(later, [{"invoice": "2026-118"}])
    broken = run(shop, [{**ORDERS[0], "stock": 0, "pieces": 4}])
    call("POST", f"/executions/{broken['id']}/retry", None)
    run(shop, ORDERS[:2])
    run(shop, [{**ORDERS[1], "stock": 0, "pieces": 2}, ORDERS[2]])
    run(bank, [{"bank": "ECB"}])
