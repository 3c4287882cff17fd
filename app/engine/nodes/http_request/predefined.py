"""How services want to be called with the credentials of their own types: facts about services, one line each.

A credential may name a further header itself. Only what is put into a request as it stands; a type that signs requests
or fetches a token first is not among them.
"""

from typing import Any

# A token in the Authorization header, by the field that holds it.
BEARER = {
    "apiKey": "mistralCloudApi deepSeekApi groqApi openRouterApi xAiApi cohereApi huggingFaceApi jinaAiApi "
    "perplexityApi moonshotApi minimaxApi ollamaApi alibabaCloudApi sendGridApi todoistApi intercomApi calApi "
    "grafanaApi highLevelApi brandfetchApi clearbitApi currentsApi peekalinkApi sekoiaApi openCtiApi dfirIrisApi "
    "shufflerApi xataApi",
    "accessToken": "airtableTokenApi asanaApi slackApi zoomApi dropboxApi webflowApi netlifyApi npmApi mattermostApi "
    "whatsAppApi magento2Api ouraApi workableApi sysdigApi",
    "apiToken": "cloudflareApi mondayComApi strapiTokenApi convertApi",
    "appToken": "hubspotAppToken",
    "secretKey": "stripeApi",
    "token": "sentryIoApi sentryIoServerApi databricksApi mailjetSmsApi wekanApi",
    "personalAccessToken": "jiraSoftwareServerPatApi",
}
# Header and what stands in it, by type; {names} are fields.
HEADERS = {
    "activeCampaignApi": {"Api-Token": "{apiKey}"},
    "anthropicApi": {"x-api-key": "{apiKey}"},
    "apiTemplateIoApi": {"X-API-KEY": "{apiKey}"},
    "azureOpenAiApi": {"api-key": "{apiKey}"},
    "baserowTokenApi": {"Authorization": "Token {token}"},
    "braveSearchApi": {"X-Subscription-Token": "{apiKey}"},
    "clickUpApi": {"Authorization": "{accessToken}"},
    "clockifyApi": {"X-Api-Key": "{apiKey}"},
    "deepLApi": {"Authorization": "DeepL-Auth-Key {apiKey}"},
    "discordBotApi": {"Authorization": "Bot {botToken}"},
    "dropcontactApi": {"X-Access-Token": "{apiKey}"},
    "dynatraceApi": {"Authorization": "Api-Token {apiKey}"},
    "erpNextApi": {"Authorization": "token {apiKey}:{apiSecret}"},
    "githubApi": {"Authorization": "token {accessToken}"},
    "gitlabApi": {"Private-Token": "{accessToken}"},
    "iterableApi": {"Api_Key": "{apiKey}"},
    "koBoToolboxApi": {"Authorization": "Token {token}"},
    "linearApi": {"Authorization": "{apiKey}"},
    "mailchimpApi": {"Authorization": "apikey {apiKey}"},
    "n8nApi": {"X-N8N-API-KEY": "{apiKey}"},
    "nocoDbApiToken": {"xc-token": "{apiToken}"},
    "notionApi": {"Authorization": "Bearer {apiKey}"},
    "openAiApi": {"Authorization": "Bearer {apiKey}", "OpenAI-Organization": "{organizationId}"},
    "oktaApi": {"Authorization": "SSWS {accessToken}"},
    "phantombusterApi": {"X-Phantombuster-Key": "{apiKey}"},
    "pineconeApi": {"Api-Key": "{apiKey}"},
    "postmarkApi": {"X-Postmark-Server-Token": "{serverToken}"},
    "qdrantApi": {"api-key": "{apiKey}"},
    "rocketchatApi": {"X-Auth-Token": "{authKey}", "X-User-Id": "{userId}"},
    "sendInBlueApi": {"api-key": "{apiKey}"},
    "shopifyAccessTokenApi": {"X-Shopify-Access-Token": "{accessToken}"},
    "supabaseApi": {"apikey": "{serviceRole}", "Authorization": "Bearer {serviceRole}"},
    "typeformApi": {"Authorization": "bearer {accessToken}"},
    "urlScanIoApi": {"API-KEY": "{apiKey}"},
    "virusTotalApi": {"x-apikey": "{accessToken}"},
    **{kind: {"Authorization": f"Bearer {{{field}}}"} for field, kinds in BEARER.items() for kind in kinds.split()},
}
DEFAULTS = {"notionApi": {"Notion-Version": "2022-02-22"}}
# Parameter of the query string and the field with its value, by type.
QUERY = {
    "airtableApi": ("api_key", "apiKey"),
    "facebookGraphApi": ("access_token", "accessToken"),
    "googlePalmApi": ("key", "apiKey"),
    "gumroadApi": ("access_token", "accessToken"),
    "hubspotApi": ("hapikey", "apiKey"),
    "nasaApi": ("api_key", "api_key"),
    "openWeatherMapApi": ("appid", "accessToken"),
    "pipedriveApi": ("api_token", "apiToken"),
    "serpApi": ("api_key", "apiKey"),
    "wolframAlphaApi": ("api_key", "appId"),
}
# User and password, {names} are fields, by type.
BASIC = {
    "elasticsearchApi": ("{username}", "{password}"),
    "freshdeskApi": ("{apiKey}", "X"),
    "jiraSoftwareCloudApi": ("{email}", "{apiToken}"),
    "jiraSoftwareServerApi": ("{email}", "{password}"),
    "mailgunApi": ("api", "{apiKey}"),
    "mailjetEmailApi": ("{apiKey}", "{secretKey}"),
    "mauticApi": ("{username}", "{password}"),
    "serviceNowBasicApi": ("{user}", "{password}"),
    "togglApi": ("{username}", "{password}"),
    "wordpressApi": ("{username}", "{password}"),
}
TYPES = frozenset({*HEADERS, *QUERY, *BASIC})


class Fields(dict[str, str]):
    """What a credential holds, as texts; a field that is not there is empty."""

    def __missing__(self, name: str) -> str:
        return ""


def parts(kind: str, credential: dict[str, Any]) -> dict[str, Any]:
    """What a credential of one of these types adds to a request: headers, a query, or a login."""
    held = Fields({name: str(value) for name, value in credential.items() if isinstance(value, str | int | float)})
    if kind in HEADERS:
        headers = {name: text.format_map(held) for name, text in HEADERS[kind].items()}
        if credential.get("header") and held["headerName"]:
            headers[held["headerName"]] = held["headerValue"]
        return {"headers": {name: text for name, text in headers.items() if text}, "defaults": DEFAULTS.get(kind, {})}
    if kind in QUERY:
        name, field = QUERY[kind]
        return {"query": {name: held[field]}}
    user, password = BASIC[kind]
    import httpx  # here: most workers send nothing of this kind

    return {"auth": httpx.BasicAuth(user.format_map(held), password.format_map(held))}
