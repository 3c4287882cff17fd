"""What an API key can be allowed to do: n8n's names of scopes, with what each lets its holder do.

A test compares them with the endpoints, each of which needs exactly one.
"""

ANY = "none"
"""The scope of an endpoint that every valid key may call, as n8n names it."""
EVERY = "*"
"""Stands for all scopes; `tag:*` stands for all of one resource."""

SCOPES = {
    "execution:list": "list executions",
    "execution:read": "read one execution, with its data",
    "execution:stop": "stop executions that run, wait or are queued",
    "execution:retry": "retry executions that failed",
    "execution:delete": "delete executions",
    "execution:update": "annotate executions",
    "executionTags:list": "read the tags of an execution",
    "executionTags:update": "change the tags of an execution",
    "workflow:create": "store new workflows",
    "workflow:read": "read one workflow",
    "workflow:list": "list workflows",
    "workflow:update": "save workflows",
    "workflow:delete": "delete workflows",
    "workflow:activate": "activate and deactivate workflows",
    "workflow:export": "export workflows as packages",
    "workflow:import": "import workflows from packages",
    "workflow:move": "let workflows belong to another project",
    "workflow:execute": "run workflows",
    "testRun:list": "list evaluations of workflows, of which there are none here",
    "securityAudit:generate": "audit credentials and workflows",
    "insights:read": "read how executions went",
    "communityPackage:install": "install packages of nodes from npm",
    "communityPackage:list": "list installed packages",
    "communityPackage:uninstall": "remove packages",
    "communityPackage:update": "give packages another version",
    "tag:create": "make tags",
    "tag:read": "read one tag",
    "tag:list": "list tags",
    "tag:update": "rename tags",
    "tag:delete": "delete tags",
    "credential:create": "store credentials",
    "credential:read": "read what credentials are called and what their types need",
    "credential:list": "list credentials, without what they hold",
    "credential:update": "change credentials",
    "credential:move": "let credentials belong to another project",
    "credential:delete": "delete credentials",
    "variable:create": "make variables",
    "variable:list": "list variables, with their values",
    "variable:update": "change variables",
    "variable:delete": "delete variables",
    "dataTable:create": "make data tables",
    "dataTable:read": "read one data table's name and columns",
    "dataTable:list": "list data tables",
    "dataTable:update": "rename data tables",
    "dataTable:delete": "delete data tables",
    "dataTableColumn:create": "add columns to data tables",
    "dataTableColumn:read": "read the columns of data tables",
    "dataTableColumn:update": "rename and move columns of data tables",
    "dataTableColumn:delete": "delete columns of data tables",
    "dataTableRow:create": "add rows to data tables",
    "dataTableRow:read": "read rows of data tables",
    "dataTableRow:update": "change rows of data tables",
    "dataTableRow:upsert": "change rows of data tables, or add them",
    "dataTableRow:delete": "delete rows of data tables",
    "project:create": "make projects",
    "project:list": "list projects",
    "project:update": "rename projects",
    "project:delete": "delete projects",
    "project:manageMembers": "add, change and remove the members of projects",
    "user:create": "invite users",
    "user:read": "read one user",
    "user:list": "list users and the members of projects",
    "user:delete": "delete users with their keys",
}


def unknown_scopes(scopes: tuple[str, ...]) -> list[str]:
    """Those of `scopes` that allow nothing, because no endpoint asks for them."""
    resources = {f"{scope.split(':')[0]}:{EVERY}" for scope in SCOPES}
    return [scope for scope in scopes if scope != EVERY and scope not in SCOPES and scope not in resources]
