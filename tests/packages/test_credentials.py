"""What a node's credentials are to it: handed out by type, put into requests, renewed, and hidden in what it says."""

from typing import Any

import pytest

from app.engine.run.ports import Ports
from app.outgoing.addresses import AddressRules
from app.outgoing.client import Outgoing
from tests.credentials.provider import OAUTH1, Provider
from tests.packages.running import PackageEngine, workflow_of

SECRET = "a-very-secret-token"


@pytest.fixture(autouse=True)
def credentials(packages: PackageEngine, far: str) -> None:
    packages.credentials = {"sampleApi": {"token": SECRET}, "tokenApi": {"url": far}, "otherApi": {"key": "x"}}


def test_a_node_gets_what_its_type_declares_and_nothing_else(packages: PackageEngine):
    code = """const { url, token } = await this.getCredentials('sampleApi');
      return [[{ json: { url, length: token.length } }]]"""
    assert packages.script(code) == [{"url": "https://example.com", "length": len(SECRET)}]
    error = packages.script("await this.getCredentials('otherApi')")
    assert error["message"] == "Node type does not declare credentials of type 'otherApi'"


def test_a_missing_credential_is_an_error_of_the_node(packages: PackageEngine):
    error = packages.script("await this.getCredentials('sampleApi')", settings={"credentials": {}})
    assert (error["name"], error["message"]) == ("NodeOperationError", "Node does not have any credentials set")
    assert (error["level"], error["tags"]) == ("warning", {})


def test_a_described_proof_is_put_into_both_kinds_of_requests(packages: PackageEngine, far: str):
    code = f"""const options = {{ url: '{far}/echo', json: true }};
      const one = await this.helpers.httpRequestWithAuthentication.call(this, 'sampleApi', options);
      const two = await this.helpers.requestWithAuthentication.call(this, 'sampleApi', options);
      return [[one, two].map(({{ headers }}) => ({{ json: {{ length: headers.authorization.length }} }}))]"""
    assert packages.script(code) == [{"length": len(SECRET) + 7}] * 2


def test_a_token_is_fetched_once_and_again_when_it_is_refused(packages: PackageEngine, far: str):
    code = f"""const read = async (path) => {{
        const options = {{ url: `{far}${{path}}`, json: true }};
        return this.helpers.httpRequestWithAuthentication.call(this, 'tokenApi', options);
      }};
      const answers = [await read('/echo'), await read('/echo')];
      const [first, second] = answers.map(({{ headers }}) => headers.authorization.slice(-1));
      let refused; try {{ await read('/status/401') }} catch (error) {{ refused = error.httpCode }}
      const third = (await read('/echo')).headers.authorization.slice(-1);
      return [[{{ json: {{ same: first === second, renewed: Number(third) === Number(first) + 1, refused }} }}]]"""
    assert packages.script(code) == [{"same": True, "renewed": True, "refused": "401"}]
    kept = "return [[{ json: { kept: (await this.getCredentials('tokenApi')).token.length > 0 } }]]"
    assert packages.script(kept) == [{"kept": True}]


def test_errors_and_lines_do_not_tell_secrets(packages: PackageEngine):
    code = """const { token } = await this.getCredentials('sampleApi');
      this.logger.info(`with ${token}`); throw new Error(`refused: ${token}`)"""
    error = packages.script(code)
    assert error["message"] == "refused: **hidden**"
    assert SECRET not in str({name: part for name, part in error.items() if name != "node"})


def test_the_half_of_a_secret_that_a_cut_has_left_is_not_told(packages: PackageEngine):
    code = """const { token } = await this.getCredentials('sampleApi'), said = '.'.repeat(490) + token;
      throw Object.assign(new Error('refused'), { description: said.slice(0, 500) })"""
    assert packages.script(code)["description"] == "." * 490 + "**hidden**"
    code = """const { token } = await this.getCredentials('sampleApi');
      this.logger.info('.'.repeat(9_985) + token); return [[{ json: {} }]]"""
    outcome = packages.run(workflow_of("script", {"code": code}))
    [line] = outcome.document.run_data["Node"][0]["metadata"]["console"]
    assert line == "info: " + "." * 9_985 + "**hidden**"


def test_the_reason_of_a_refusal_is_told(packages: PackageEngine):
    held = {"access_token": "the-access-token", "n8n_refused": "consent was withdrawn"}
    packages.credentials["sampleApi"] = {"oauthTokenData": held}
    code = """await this.getCredentials('sampleApi'); throw new Error('the-access-token: consent was withdrawn')"""
    assert packages.script(code)["message"] == "**hidden**: consent was withdrawn"


def test_requests_of_oauth_carry_the_token_or_are_signed(packages: PackageEngine, far: str):
    tokens = {"access_token": "the-access-token", "token_type": "bearer", "oauth_token": "t", "oauth_token_secret": "s"}
    packages.credentials["sampleApi"] = {"oauthTokenData": tokens, "consumerKey": "key", "consumerSecret": "secret"}
    code = f"""const options = {{ url: '{far}/echo', json: true }};
      const one = await this.helpers.requestOAuth2.call(this, 'sampleApi', options);
      const two = await this.helpers.requestOAuth2.call(this, 'sampleApi', options, {{ tokenType: 'Token' }});
      const three = await this.helpers.requestOAuth1.call(this, 'sampleApi', options);
      const kinds = [one, two, three].map(({{ headers }}) => headers.authorization.split(/[ =]/)[0]);
      const anew = await this.helpers.refreshOAuth2Token.call(this, 'sampleApi').catch(({{ message }}) => message);
      return [[{{ json: {{ kinds, anew }} }}]]"""
    [told] = packages.script(code)
    assert told["kinds"] == ["Bearer", "Token", "OAuth"]
    assert "renew" in told["anew"]  # nobody here can


def test_a_signature_of_oauth_1_is_right(packages: PackageEngine, provider: Provider, monkeypatch):
    tokens = {"oauth_token": "a1", "oauth_token_secret": "access secret"}
    packages.credentials["sampleApi"] = {**OAUTH1, "oauthTokenData": tokens}
    monkeypatch.setattr(packages, "outgoing", Outgoing(AddressRules.parse("127.0.0.1")))
    code = f"""const url = "{provider.url}/signed?b=1&a=%20z&f[]=2&f[]=1&q=it's";
      const post = {{ method: 'POST', url, json: true }}, form = {{ f: '1 + 2 ü', 'g[]': '$' }}, qs = {{ q: 'ä b' }};
      const ask = (options) => this.helpers.requestOAuth1.call(this, 'sampleApi', options);
      const answers = [await ask({{ ...post, qs }}), await ask({{ ...post, form, qs }}),
        await ask({{ ...post, body: {{ f: [1] }} }}), await ask({{ ...post, json: false, body: 'f=1' }})];
      return [answers.map((each) => ({{ json: typeof each === 'string' ? JSON.parse(each) : each }}))]"""
    said = packages.script(code)
    packages.wait_for(packages.outgoing.__aexit__(None, None, None))
    assert said == [{"ok": True, "token": "a1"}] * 4


@pytest.mark.parametrize(
    "part",
    [
        "await this.helpers.requestOAuth2.call(this, 'sampleApi', options)",
        "await this.getCredentials('sampleApi'); await this.helpers.refreshOAuth2Token.call(this, 'sampleApi')",
    ],
)
def test_a_token_that_many_were_refused_is_renewed_once(packages, provider: Provider, part: str, monkeypatch):
    """Whoever is late finds another token than the refused one, which is then not renewed in its turn."""
    refusals = []

    async def renew(_: str, kind: str, refused: str) -> dict[str, Any]:
        refusals.append(refused)
        if refused == packages.credentials[kind]["oauthTokenData"]["access_token"]:
            packages.credentials[kind] = {"oauthTokenData": provider.new_tokens()}
        return packages.credentials[kind]

    packages.credentials["sampleApi"] = {"oauthTokenData": {"access_token": "old"}}
    code = f"""const options = {{ url: '{provider.url}/', json: true }};
      await Promise.all(Array.from({{ length: 8 }}, async () => {{ {part} }}));
      return [[{{ json: {{}} }}]]"""
    monkeypatch.setattr(packages, "outgoing", Outgoing(AddressRules.parse("127.0.0.1")))
    outcome = packages.run(workflow_of("script", {"code": code}), ports=Ports(renew_credential=renew))
    packages.wait_for(packages.outgoing.__aexit__(None, None, None))
    assert outcome.error is None
    assert refusals == ["old"] * 8


@pytest.mark.parametrize("helper", ["httpRequestWithAuthentication", "requestWithAuthentication"])
def test_a_token_that_is_fetched_before_use_is_fetched_once_for_all_that_were_refused(packages, far: str, helper: str):
    code = f"""const read = (path) =>
        this.helpers.{helper}.call(this, 'tokenApi', {{ url: `{far}${{path}}`, json: true }});
      const number = async () => Number((await read('/echo')).headers.authorization.split('-').at(-1));
      const first = await number();
      const outcomes = await Promise.allSettled(Array.from({{ length: 8 }}, () => read('/status/401')));
      const refused = outcomes.every(({{ reason }}) => reason.httpCode === '401');
      return [[{{ json: {{ refused, fetched: await number() - first }} }}]]"""
    assert packages.script(code) == [{"refused": True, "fetched": 1}]


def test_a_request_without_a_body_is_a_form_where_the_older_helper_says_so(packages: PackageEngine, far: str):
    code = f"""const given = [{{ form: {{}} }}, {{ body: '' }}, {{ method: 'POST', body: '' }}, {{ method: 'POST' }}];
      const ask = (each) => this.helpers.request({{ ...each, url: '{far}/echo', json: true }});
      const asked = await Promise.all(given.map(ask));
      return [[{{ json: {{ types: asked.map(({{ headers }}) => headers['content-type'] ?? null) }} }}]]"""
    form = "application/x-www-form-urlencoded"
    assert packages.script(code) == [{"types": [form, None, form, None]}]


def test_a_body_whose_fields_are_undefined_is_sent_and_an_empty_one_is_not(packages: PackageEngine, far: str):
    code = f"""const ask = (body) => this.helpers.httpRequest({{ url: '{far}/echo', method: 'POST', body }});
      const sent = async (body) => (await ask(body)).body;
      return [[{{ json: {{ bodies: [await sent({{ a: undefined }}), await sent({{}})] }} }}]]"""
    assert packages.script(code) == [{"bodies": ["{}", ""]}]
