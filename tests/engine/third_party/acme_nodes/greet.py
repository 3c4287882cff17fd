"""Greet: puts a greeting into each item."""

from app.engine.sdk import Item, NodeContext, NodeError, Outputs, node, required


@node("acme.greet", [1], issues=lambda parameters, version: required(parameters, name="Name"))
async def greet(context: NodeContext) -> Outputs:
    output: list[Item] = []
    for index, name in enumerate(await context.resolve(context.parameters.get("name", ""), parameter="name")):
        if not isinstance(name, str):
            raise NodeError(f"Name must be text [item {index}]", item_index=index)
        item = context.items[index]
        output.append({**item, "json": {**item["json"], "greeting": f"Hello {name}!"}})
    return [output]
