"""Where well-known services give out tokens: facts about services, one line each, for credentials of their own types.

Definitions as app.credentials.completion reads them, for what no node package defines. Which scopes somebody wants is
not among the facts: a credential names them in its field `scope`, or its package does.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from app.credentials.completion import Definition, ancestry

# Type, where to consent, where tokens come from; + client and secret in the body instead of the header; ~ PKCE;
# * scopes are to be named. Behind them, if anything, parameters of the consent.
LINES = """
acuitySchedulingOAuth2Api https://acuityscheduling.com/oauth2/authorize https://acuityscheduling.com/oauth2/token +*
airtableOAuth2Api https://airtable.com/oauth2/v1/authorize https://airtable.com/oauth2/v1/token ~*
asanaOAuth2Api https://app.asana.com/-/oauth_authorize https://app.asana.com/-/oauth_token +
atlassianOAuth2Api https://auth.atlassian.com/authorize https://auth.atlassian.com/oauth/token * audience=api.atlassian.com&prompt=consent
bitlyOAuth2Api https://bitly.com/oauth/authorize https://api-ssl.bitly.com/oauth/access_token +
boxOAuth2Api https://account.box.com/api/oauth2/authorize https://api.box.com/oauth2/token +
calendlyOAuth2Api https://auth.calendly.com/oauth/authorize https://auth.calendly.com/oauth/token *
ciscoWebexOAuth2Api https://webexapis.com/v1/authorize https://webexapis.com/v1/access_token +*
clickUpOAuth2Api https://app.clickup.com/api https://api.clickup.com/api/v2/oauth/token +
discordOAuth2Api https://discord.com/api/oauth2/authorize https://discord.com/api/oauth2/token *
driftOAuth2Api https://dev.drift.com/authorize https://driftapi.com/oauth2/token +
dropboxOAuth2Api https://www.dropbox.com/oauth2/authorize https://api.dropboxapi.com/oauth2/token * token_access_type=offline
eventbriteOAuth2Api https://www.eventbrite.com/oauth/authorize https://www.eventbrite.com/oauth/token +
facebookGraphApiOAuth2Api https://www.facebook.com/v25.0/dialog/oauth https://graph.facebook.com/v25.0/oauth/access_token *
facebookLeadAdsOAuth2Api https://www.facebook.com/v17.0/dialog/oauth https://graph.facebook.com/v17.0/oauth/access_token *
figmaOAuth2Api https://www.figma.com/oauth https://api.figma.com/v1/oauth/token *
formstackOAuth2Api https://www.formstack.com/api/v2/oauth2/authorize https://www.formstack.com/api/v2/oauth2/token -
getResponseOAuth2Api https://app.getresponse.com/oauth2_authorize.html https://api.getresponse.com/v3/token -
gitlabOAuth2Api {server}/oauth/authorize {server}/oauth/token +*
goToWebinarOAuth2Api https://api.getgo.com/oauth/v2/authorize https://api.getgo.com/oauth/v2/token -
gongOAuth2Api https://app.gong.io/oauth2/authorize https://app.gong.io/oauth2/generate-customer-token *
googleOAuth2Api https://accounts.google.com/o/oauth2/v2/auth https://oauth2.googleapis.com/token +* access_type=offline&prompt=consent
gumroadOAuth2Api https://gumroad.com/oauth/authorize https://gumroad.com/oauth/token +*
harvestOAuth2Api https://id.getharvest.com/oauth2/authorize https://id.getharvest.com/api/v2/oauth2/token +*
helpScoutOAuth2Api https://secure.helpscout.net/authentication/authorizeClientApplication https://api.helpscout.net/v2/oauth2/token +
highLevelOAuth2Api https://marketplace.leadconnectorhq.com/oauth/chooselocation https://services.leadconnectorhq.com/oauth/token +*
hubspotOAuth2Api https://app.hubspot.com/oauth/authorize https://api.hubapi.com/oauth/v1/token +*
keapOAuth2Api https://signin.infusionsoft.com/app/oauth/authorize https://api.infusionsoft.com/token +*
linearOAuth2Api https://linear.app/oauth/authorize https://api.linear.app/oauth/token +*
linkedInOAuth2Api https://www.linkedin.com/oauth/v2/authorization https://www.linkedin.com/oauth/v2/accessToken +*
linkedInCommunityManagementOAuth2Api https://www.linkedin.com/oauth/v2/authorization https://www.linkedin.com/oauth/v2/accessToken +*
mailchimpOAuth2Api https://login.mailchimp.com/oauth2/authorize https://login.mailchimp.com/oauth2/token +
mediumOAuth2Api https://medium.com/m/oauth/authorize https://medium.com/v1/tokens +*
microsoftOAuth2Api https://login.microsoftonline.com/common/oauth2/v2.0/authorize https://login.microsoftonline.com/common/oauth2/v2.0/token +* response_mode=query&prompt=select_account
miroOAuth2Api https://miro.com/oauth/authorize https://api.miro.com/v1/oauth/token +*
mondayComOAuth2Api https://auth.monday.com/oauth2/authorize https://auth.monday.com/oauth2/token +*
notionOAuth2Api https://api.notion.com/v1/oauth/authorize https://api.notion.com/v1/oauth/token -
pagerDutyOAuth2Api https://app.pagerduty.com/oauth/authorize https://app.pagerduty.com/oauth/token *
pipedriveOAuth2Api https://oauth.pipedrive.com/oauth/authorize https://oauth.pipedrive.com/oauth/token -
pushbulletOAuth2Api https://www.pushbullet.com/authorize https://api.pushbullet.com/oauth2/token +
quickBooksOAuth2Api https://appcenter.intuit.com/connect/oauth2 https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer *
raindropOAuth2Api https://raindrop.io/oauth/authorize https://api.raindrop.io/v1/oauth/access_token +
redditOAuth2Api https://www.reddit.com/api/v1/authorize https://www.reddit.com/api/v1/access_token * duration=permanent
sentryIoOAuth2Api https://sentry.io/oauth/authorize/ https://sentry.io/oauth/token/ +*
serviceNowOAuth2Api https://{subdomain}.service-now.com/oauth_auth.do https://{subdomain}.service-now.com/oauth_token.do *
shopifyOAuth2Api https://{shopSubdomain}.myshopify.com/admin/oauth/authorize https://{shopSubdomain}.myshopify.com/admin/oauth/access_token +*
slackOAuth2Api https://slack.com/oauth/v2/authorize https://slack.com/api/oauth.v2.access +*
snowflakeOAuth2Api https://{account}.snowflakecomputing.com/oauth/authorize https://{account}.snowflakecomputing.com/oauth/token-request ~*
spotifyOAuth2Api https://accounts.spotify.com/authorize https://accounts.spotify.com/api/token *
stravaOAuth2Api https://www.strava.com/oauth/authorize https://www.strava.com/oauth/token +*
surveyMonkeyOAuth2Api https://api.surveymonkey.com/oauth/authorize https://api.surveymonkey.com/oauth/token +*
todoistOAuth2Api https://todoist.com/oauth/authorize https://todoist.com/oauth/access_token +*
twistOAuth2Api https://twist.com/oauth/authorize https://twist.com/oauth/access_token +*
twitterOAuth2Api https://x.com/i/oauth2/authorize https://api.x.com/2/oauth2/token ~*
typeformOAuth2Api https://api.typeform.com/oauth/authorize https://api.typeform.com/oauth/token *
webflowOAuth2Api https://webflow.com/oauth/authorize https://api.webflow.com/oauth/access_token +*
wordpressOAuth2Api https://public-api.wordpress.com/oauth2/authorize https://public-api.wordpress.com/oauth2/token +*
xeroOAuth2Api https://login.xero.com/identity/connect/authorize https://identity.xero.com/connect/token *
zendeskOAuth2Api https://{subdomain}.zendesk.com/oauth/authorizations/new https://{subdomain}.zendesk.com/oauth/tokens +*
zohoOAuth2Api https://accounts.zoho.com/oauth/v2/auth https://accounts.zoho.com/oauth/v2/token +* access_type=offline
zoomOAuth2Api https://zoom.us/oauth/authorize https://zoom.us/oauth/token -
"""  # noqa: E501
# Types of services that are asked where another one is.
SAME = {
    "atlassianOAuth2Api": "confluenceCloudOAuth2Api jiraSoftwareCloudOAuth2Api",
    "facebookGraphApiOAuth2Api": "facebookGraphAppOAuth2Api",
    "googleOAuth2Api": "gSuiteAdminOAuth2Api gmailOAuth2 googleAdsOAuth2Api googleAnalyticsOAuth2 "
    "googleBigQueryOAuth2Api googleBooksOAuth2Api googleBusinessProfileOAuth2Api googleCalendarOAuth2Api "
    "googleChatOAuth2Api googleCloudNaturalLanguageOAuth2Api googleCloudStorageOAuth2Api googleContactsOAuth2Api "
    "googleDocsOAuth2Api googleDriveOAuth2Api googleFirebaseCloudFirestoreOAuth2Api "
    "googleFirebaseRealtimeDatabaseOAuth2Api googlePerspectiveOAuth2Api googleSheetsOAuth2Api "
    "googleSheetsTriggerOAuth2Api googleSlidesOAuth2Api googleTasksOAuth2Api googleTranslateOAuth2Api youTubeOAuth2Api",
    "microsoftOAuth2Api": "azureStorageOAuth2Api microsoftDynamicsOAuth2Api microsoftEntraOAuth2Api "
    "microsoftExcelOAuth2Api microsoftGraphSecurityOAuth2Api microsoftOneDriveOAuth2Api microsoftOutlookOAuth2Api "
    "microsoftSharePointOAuth2Api microsoftTeamsOAuth2Api microsoftToDoOAuth2Api",
}
OAUTH1 = {
    "trelloOAuth1Api": (
        "https://trello.com/1/OAuthGetRequestToken",
        "https://trello.com/1/OAuthAuthorizeToken?scope=read,write,account&expiration=never",
        "https://trello.com/1/OAuthGetAccessToken",
    ),
    "twitterOAuth1Api": (
        "https://api.twitter.com/oauth/request_token",
        "https://api.twitter.com/oauth/authorize",
        "https://api.twitter.com/oauth/access_token",
    ),
}
DEFAULTS = {"gitlabOAuth2Api": {"server": "https://gitlab.com"}}


def _definition(extends: str, **defaults: Any) -> Definition:
    return {
        "extends": [extends],
        "properties": [{"name": name, "default": value} for name, value in defaults.items()],
    }


def _template(url: str) -> str:
    """An address with fields of the credential in it, as an expression."""
    if "{" not in url:
        return url
    return "=" + url.replace("{", '{{$self["').replace("}", '"]}}')


def _of_line(line: str) -> tuple[str, Definition]:
    kind, auth_url, token_url, flags, *query = line.split(" ")
    fields: dict[str, Any] = {
        **DEFAULTS.get(kind, {}),
        "grantType": "pkce" if "~" in flags else "authorizationCode",
        "authUrl": _template(auth_url),
        "accessTokenUrl": _template(token_url),
        "authentication": "body" if "+" in flags else "header",
        "authQueryParameters": "".join(query),
    }
    return kind, _definition("oAuth2Api", **fields)


SERVICES: dict[str, Definition] = {
    **dict(map(_of_line, LINES.strip().splitlines())),
    **{kind: _definition(parent) for parent, kinds in SAME.items() for kind in kinds.split()},
    **{
        kind: _definition("oAuth1Api", requestTokenUrl=request, authUrl=consent, accessTokenUrl=access)
        for kind, (request, consent, access) in OAUTH1.items()
    },
    "githubOAuth2Api": _definition(
        "oAuth2Api",
        authUrl="https://github.com/login/oauth/authorize",
        accessTokenUrl="https://github.com/login/oauth/access_token",
        authentication="header",
    ),
}
"""By the name of the type."""
_WANTED = frozenset(line.split(" ")[0] for line in LINES.strip().splitlines() if "*" in line.split(" ")[3])
GITHUB = "https://api.github.com"


def wants_scope(kind: str) -> bool:
    """Whether the service gives nothing that is of use unless scopes are named."""
    return kind == "githubOAuth2Api" or not _WANTED.isdisjoint(ancestry(kind, SERVICES))


def own_addresses(kind: str, data: Mapping[str, Any]) -> dict[str, str]:
    """Addresses that the data of a credential leads to elsewhere than at the service's public host."""
    server = str(data.get("server") or GITHUB)
    if kind != "githubOAuth2Api" or server.rstrip("/") == GITHUB:
        return {}
    parts = urlsplit(server)
    host = f"{parts.scheme}://{parts.netloc}/login/oauth"
    return {"authUrl": f"{host}/authorize", "accessTokenUrl": f"{host}/access_token"}
