"""TLS of packages' own calls: whom they trust is what the operator, and the call itself, says."""

from tests.packages.far import Far, serving
from tests.packages.running import PackageEngine

CLIENTS = {
    "https": """await new Promise((done, fail) =>
        require('https').get(ADDRESS, (answer) => done(answer.statusCode)).on('error', fail))""",
    "fetch": "await fetch(ADDRESS).then((answer) => answer.status, (error) => { throw error.cause ?? error })",
    "helpers.httpRequest": "(await this.helpers.httpRequest({ url: ADDRESS, returnFullResponse: true })).statusCode",
    "helpers.request": "(await this.helpers.request({ url: ADDRESS, resolveWithFullResponse: true })).statusCode",
}
TRUSTING = {
    "of its own": "(await this.helpers.request({ ...WHOLE, agentOptions: { ca: CA_ } })).statusCode",
    "anybody": "(await this.helpers.request({ ...WHOLE, agentOptions: { rejectUnauthorized: false } })).statusCode",
    "anybody, as new": "(await this.helpers.httpRequest({ ...FULL, skipSslCertificateValidation: true })).statusCode",
}


def test_packages_trust_whom_the_operator_or_a_call_trusts(tmp_path, monkeypatch):
    with serving(tmp_path) as far:
        refused = answers(far, {**CLIENTS, **TRUSTING})
        monkeypatch.setenv("SSL_CERT_FILE", str(far.certificate))
        assert answers(far, CLIENTS) == dict.fromkeys(CLIENTS, 200)
    assert {name for name, said in refused.items() if said == 200} == set(TRUSTING)


def answers(far: Far, calls: dict[str, str]) -> dict[str, object]:
    """The status that each call was answered, or why it was not."""
    listed = ", ".join(f"['{name}', async () => {code}]" for name, code in calls.items())
    listed = listed.replace("CA_", f"`{far.certificate.read_text()}`")
    script = f"""const ADDRESS = 'https://localhost:{far.port}/';
        const found = {{}};
        const WHOLE = {{ url: ADDRESS, resolveWithFullResponse: true }};
        const FULL = {{ url: ADDRESS, returnFullResponse: true }};
        for (const [name, ask] of [{listed}]) found[name] = await ask().catch((error) => error.code ?? error.message);
        return [[{{ json: found }}]]"""
    engine = PackageEngine(allowed="127.0.0.1,::1")
    try:
        [given] = engine.script(script)
        return dict(given)
    finally:
        engine.close()
