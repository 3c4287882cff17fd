"""HTTP Request, versions 3 to 4: one request an item, or one for every page of its answer."""

from dataclasses import replace
from functools import partial

from app.engine.nodes.http_request.authentication import NO_PROOF, RequestProof, proof
from app.engine.nodes.http_request.pagination import all_pages, has_pages
from app.engine.nodes.http_request.parameter_values import batch_size, pause, without_nulls
from app.engine.nodes.http_request.parameters import ItemRequest, fields
from app.engine.nodes.http_request.requests import Prepared, in_batches, send_one
from app.engine.nodes.shared.issues import Required, RequiredCredential, credentials, rules
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError, forget_frames
from app.engine.run.items import Outputs
from app.engine.run.registry import node
from app.outgoing.certificates import certificate_of
from app.outgoing.client import load_client

ISSUES = rules(Required("url", "URL"))
NEEDED = credentials(RequiredCredential("httpSslAuth", when={"provideSslCertificates": [True]}))
PLAIN = ["authentication", "sendBody", "sendHeaders", "sendQuery"]


@node(
    "httpRequest",
    [3, 4, 4.1, 4.2, 4.3, 4.4, 4.5],
    issues=ISSUES,
    credentials=NEEDED,
    plain=PLAIN,
    exact=True,
    groups=["bodyParameters", "headerParameters", "queryParameters"],
)
async def http_request(context: NodeContext) -> Outputs:
    options = dict(fields(context.parameters, "options"))
    pagination = fields(options, "pagination", "pagination")
    paged = has_pages(options.pop("pagination", None))
    given = {**without_nulls(context.parameters), "options": options}
    resolved = await context.resolve_each(given, exact=True)
    await load_client()
    proven = await _proof(context) if context.items else NO_PROOF
    batch = fields(await context.resolve_first(fields(options, "batching")), "batch")

    def prepare(index: int) -> Prepared:
        parameters = resolved[index]
        if isinstance(parameters, NodeError):
            raise parameters
        if isinstance(proven, NodeError):
            raise proven
        made = ItemRequest(context, parameters, proven, index)
        if paged:
            return Prepared(partial(all_pages, context, pagination, made, index))
        call = made.call()
        return Prepared(partial(send_one, context, call, made.reading, index), len(call.content))

    size = batch_size(batch.get("batchSize", 50 if batch else -1))
    return [await in_batches(context, resolved, size, pause(batch.get("batchInterval")) if batch else 0, prepare)]


async def _proof(context: NodeContext) -> RequestProof | NodeError:
    """What authenticates the requests; the error itself where the workflow may go on after it."""
    parameters = context.parameters
    kind = {
        "genericCredentialType": parameters.get("genericAuthType"),
        "predefinedCredentialType": parameters.get("nodeCredentialType"),
    }.get(parameters.get("authentication", "none"))
    try:
        proven = NO_PROOF if kind is None else await proof(context, str(kind))
        if not parameters.get("provideSslCertificates"):
            return proven
        return replace(proven, certificate=certificate_of(await context.credential("httpSslAuth")))
    except NodeError as error:
        if not context.continues_on_fail:
            raise
        forget_frames(error)
        return error
