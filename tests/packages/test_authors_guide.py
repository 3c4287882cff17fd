"""The package that docs/node-authors.md begins with runs as it stands there."""

import json

from tests.guides import blocks, read_guide
from tests.packages.running import PackageEngine
from tests.packages.service import serving
from tests.workflows import START, chain, node


def test_the_first_package_runs(tmp_path):
    guide = read_guide("node-authors.md")
    [described], [code, credential] = blocks(guide, "json"), blocks(guide, "js")
    offers = json.loads(described)["n8n"]
    for name, text in ("package.json", described), (offers["nodes"][0], code), (offers["credentials"][0], credential):
        (tmp_path / name).write_text(text)
    hello = node("Hello", "n8n-nodes-hello.hello", {"whom": "={{ $json.name }}"}, credentials={"helloApi": {"id": "1"}})
    pinned = {"Start": [{"json": {"name": name}} for name in ("Ada", "")]}
    with serving() as service:
        service.answers = {"GET /hello": {"text": "Hello"}}
        engine = PackageEngine(service.url.removeprefix("http://"), folder=tmp_path)
        engine.credentials = {"helloApi": {"url": service.url, "token": "secret"}}
        outcome = engine.run(chain(START, hello, id="w1", settings={"executionOrder": "v1"}, pinData=pinned))
        engine.close()
        [(method, path, headers, _)] = service.take()
    assert (method, path, headers["authorization"]) == ("GET", "/hello?whom=Ada", "Bearer secret")
    error = outcome.data["resultData"]["runData"]["Hello"][0]["error"]
    assert (error["name"], error["message"]) == ("NodeOperationError", "Whom shall be greeted?")
