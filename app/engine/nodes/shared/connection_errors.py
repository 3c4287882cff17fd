"""n8n's sentence for each way in which a connection can break, by the code that Node.js gives it."""

CONNECTION_ERRORS = {
    "ECONNABORTED": "The connection was aborted, perhaps the server is offline",
    "ECONNREFUSED": "The service refused the connection - perhaps it is offline",
    "ENOTFOUND": "The connection cannot be established, this usually occurs due to an incorrect host (domain) value",
    "ECONNRESET": "The connection to the server was closed unexpectedly, perhaps it is offline. "
    "You can retry the request immediately or wait and retry later.",
}
