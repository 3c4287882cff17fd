"""What clients ask of the paths that n8n's editor uses: which version it speaks, and that nobody can log in."""

from typing import Any

from flask import Blueprint, Response

from app.api.face.answers import answer
from app.api.face.auth import public

blueprint = Blueprint("editor", __name__)

N8N_VERSION = "2.40.7"
"""The version of n8n whose API this program speaks; clients choose their calls by it."""
NO_LOGIN = "Nobody can log in here: send an API key in the header X-N8N-API-KEY"
SETTINGS: dict[str, Any] = {
    "settingsMode": "public",
    "defaultLocale": "en",
    "versionCli": N8N_VERSION,
    "userManagement": {"authenticationMethod": "email", "showSetupOnFirstLoad": False, "smtpSetup": False},
    "sso": {"saml": {"loginEnabled": False}, "ldap": {"loginEnabled": False, "loginLabel": ""}},
    "previewMode": False,
    "enterprise": {"saml": False, "ldap": False, "oidc": False},
}


@blueprint.get("/rest/settings")
@public
def settings() -> Response:
    """The settings that everybody may know."""
    return answer({"data": SETTINGS})


@blueprint.route("/rest/login", methods=["GET", "POST"])
@public
def login() -> Response:
    """There are no sessions."""
    return answer({"code": 401, "message": NO_LOGIN}, 401)


@blueprint.get("/types/nodes.json")
@public
def node_types() -> Response:
    """The editor's list of nodes needs a session, and there are none."""
    return answer({"status": "error", "message": "Unauthorized"}, 401)
