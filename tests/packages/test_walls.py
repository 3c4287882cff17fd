"""The walls around package processes: no file outside, no environment, no way out but the worker's, and nothing of one
call for another."""

import json
import os
import socket
import sys
from pathlib import Path

import pytest

from tests.packages.running import SAMPLE, PackageEngine, workflow_of

CLIENTS = {
    "fetch": "await fetch(URL_).then((answer) => answer.text(), (error) => { throw error.cause ?? error })",
    "http": "await new Promise((done, fail) => require('http').get(URL_, () => done('in')).on('error', fail))",
    "https": """await new Promise((done, fail) =>
        require('https').get(URL_.replace('http:', 'https:'), () => done('in')).on('error', fail))""",
    "net": "await new Promise((done, fail) => require('net').connect(PORT, HOST, () => done('in')).on('error', fail))",
    "tls": "await new Promise((done, fail) => require('tls').connect(PORT, HOST, () => done('in')).on('error', fail))",
    "http2": """await new Promise((done, fail) =>
        require('http2').connect(URL_.replace('http:', 'https:'), () => done('in')).on('error', fail))""",
    "dns": "await require('dns').promises.lookup(HOST)",
    "helpers.httpRequest": "await this.helpers.httpRequest({ url: URL_ })",
    "helpers.request": "await this.helpers.request({ url: URL_ })",
}


def attempt(code: str) -> str:
    return f"""let got, failed; try {{ got = {code} }} catch (error) {{ failed = error.code ?? error.message }}
      return [[{{ json: {{ got: got && 'in', failed }} }}]]"""


@pytest.mark.parametrize("client", CLIENTS)
def test_private_addresses_are_refused_to_every_client(packages: PackageEngine, client):
    with socket.create_server(("127.0.0.1", 0)) as inside:
        port = inside.getsockname()[1]
        code = CLIENTS[client].replace("URL_", f"'http://127.0.0.1:{port}/'")
        [given] = packages.script(attempt(code.replace("PORT", str(port)).replace("HOST", "'localhost'")))
        inside.settimeout(0)
        with pytest.raises(BlockingIOError):
            inside.accept()
    assert "got" not in given
    assert given["failed"] == "EACCES" or "not allowed" in given["failed"]


NATIVE = {
    "a datagram": "await new Promise((done, fail) => require('dgram').createSocket('udp4').on('error', fail)"
    ".bind(0, () => done('in')))",
    "a server": "await new Promise((done, fail) => require('net').createServer().on('error', fail)"
    ".listen(0, () => done('in')))",
    "a unix socket": "await new Promise((done, fail) => require('net').connect('/run/some.sock', () => done('in'))"
    ".on('error', fail))",
    "a name server": "await require('dns').promises.resolve4('example.com')",
    "the machine's list of hosts": "await require('dns').promises.reverse('127.0.0.1')",
    "that list by a resolver": "await new Promise((done, fail) => new (require('dns').Resolver)()"
    ".reverse('127.0.0.1', (error, found) => (error ? fail(error) : done(found))))",
    "that list by an address and a port": "await require('dns').promises.lookupService('127.0.0.1', 22)",
    "the same with a callback": "await new Promise((done, fail) => require('dns').lookupService('127.0.0.1', 22,"
    " (error, found) => (error ? fail(error) : done(found))))",
    "the machine's name servers": "require('dns').getServers()[0]",
    "those by a resolver": "new (require('dns').promises.Resolver)().getServers()[0]"
    " ?? (await import('dns')).getServers()[0]",
    "a file of the system": "require('fs').readFileSync('/etc/passwd')",
    "a file of the program": f"require('fs').readFileSync('{Path(__file__)}')",
    "a folder": "require('fs').readdirSync('/')",
    "a file that others write": "require('fs').writeFileSync('/tmp/written-by-a-node', '')",
    "a package's own file": f"require('fs').writeFileSync('{SAMPLE}/nodes/Echo.node.js', '')",
    "a file by its address": "require('fs').readFileSync(new URL('file:///etc/passwd'), 'utf8')",
    "a file by its bytes": "require('fs').readFileSync(new TextEncoder().encode('/etc/passwd'), 'utf8')",
    "a file by way of its folder": "require('fs').readFileSync(require('os').tmpdir() + '/../../../../../etc/passwd')",
    "a file by way of the root": "require('fs').readFileSync('/proc/self/root/etc/passwd', 'utf8')",
    "a file as a blob": "await (await require('fs').openAsBlob('/etc/passwd')).text()",
    "whether there is a file": "require.resolve('/etc/passwd')",
    "whether there is a folder": "require.resolve('../../../../../../../../../../etc/ssl/..' + '/passwd')",
    "whether there is a file, by imports": "await Promise.all(['passwd', 'nosuch', 'ssl'].map((name) =>"
    " import(`file:///etc/${name}`).catch(({ code }) => code))).then((said) => new Set(said).size > 1 || undefined)",
    "where a package lies": f"""require('module').findPackageJSON('acorn', '{Path(__file__).parents[2]}'
        + '/app/engine/sandbox/x.js')""",
    "what changes in a folder": "require('fs').watch('/etc') && 'in'",
    "a folder by its copy": "require('fs').cpSync('/etc/ssl', require('os').tmpdir() + '/c', { recursive: true }) ?? 1",
    "a file as a module": "(await import('file:///etc/passwd')).default",
    "a program by a module of its own": """(await import('data:text/javascript,import cp from "node:child_process";'
        + 'export default cp.execSync("id").toString()')).default""",
    "a report of the machine": "require('process').report.writeReport('/tmp/written-by-a-node') && 'in'",
    "a socket by way of a request": "await this.helpers.httpRequest({ url: 'http://h/', socketPath: '/run/a.sock' })",
    "a file by way of a request": "await this.helpers.httpRequest({ url: 'file:///etc/passwd' })",
    "a link to a file": "require('fs').symlinkSync('/etc/passwd', require('os').tmpdir() + '/link') ?? 'in'",
    "a second name of a file": "require('fs').linkSync('/etc/passwd', require('os').tmpdir() + '/link') ?? 'in'",
    "a database": "new (require('node:sqlite').DatabaseSync)('/tmp/written-by-a-node')",
    "a database beside one in memory": """new (process.getBuiltinModule('node:sqlite').DatabaseSync)(':memory:')
        .exec("ATTACH '/tmp/written-by-a-node' AS outside; CREATE TABLE outside.t (a)") ?? 'in'""",
    "a folder for WebAssembly": "new (require('wasi').WASI)({ version: 'preview1', preopens: { '/': '/etc' } })",
    "the inspector": "new (require('inspector').Session)().connect() ?? 'in'",
    "another program": "process.execve('/bin/true', ['/bin/true'], {})",
    "its worker's variables": "require('fs').readFileSync(`/proc/${process.ppid}/environ`, 'utf8')",
    "a signal to its worker": "process._debugProcess(process.ppid) ?? 'in'",
    "a process": "require('child_process').execSync('id')",
    "a thread": "await new Promise((done, fail) => new (require('worker_threads').Worker)('', { eval: true })"
    ".on('error', fail).on('online', () => done('in')))",
    "an addon": "process.dlopen({ exports: {} }, '/usr/lib/x.node')",
    "a binding": "process.binding('spawn_sync')",
    "the end": "process.exit(0)",
}


@pytest.mark.skipif(sys.platform != "linux", reason="the filter is one of Linux")
@pytest.mark.parametrize("what", NATIVE)
def test_what_lies_outside_is_out_of_reach(packages: PackageEngine, what):
    ended = packages.host.ended
    [given] = packages.script(attempt(NATIVE[what]))
    assert "got" not in given, given
    assert packages.host.ended == ended


def test_a_socket_of_its_own_is_refused_in_words(packages: PackageEngine):
    error = packages.script("require('dgram').createSocket('udp4').bind(0); await new Promise(() => {})")
    assert error["message"].startswith("The package opens a socket of its own (bind EPERM")


def test_the_process_has_no_environment_and_one_folder_of_its_own(packages: PackageEngine):
    code = """const { exists, existsSync, realpath, realpathSync, writeFileSync } = require('fs');
      const { tmpdir } = require('os');
      const places = [tmpdir(), '/etc/passwd', '/etc'];
      const there = places.map(existsSync);
      for (const each of places) there.push(await new Promise((done) => exists(each, done)));
      for (const each of places) there.push(await require('util').promisify(exists)(each));
      const file = `${tmpdir()}/mine`;
      writeFileSync(file, '');
      const handle = await require('fs').promises.open(file, 'r+');
      await handle.writeFile('ke');
      await handle.close();
      await require('fs').promises.appendFile(file, 'pt');
      const found = await new Promise((done) => realpath(file, (error, path) => done(error ?? path)));
      const none = await new Promise((done) => realpath(`${file}s`, (error) => done(error.code)));
      const real = found === file && realpathSync(tmpdir()) === tmpdir();
      const read = await require('fs').promises.readFile(file, 'utf8');
      return [[{ json: { environment: Object.keys(process.env), read, real, none, there, pid: process.pid } }]]"""
    [given] = packages.script(code)
    pid = given.pop("pid")
    assert given.pop("there") == [True, False, False] * 3
    assert given == {"environment": [], "read": "kept", "real": True, "none": "ENOENT"}
    assert pid in packages.host.pids
    assert Path(f"/proc/{pid}/environ").read_text() == ""
    if os.geteuid() == 0 and sys.platform == "linux":
        assert "Seccomp:\t2" in Path(f"/proc/{pid}/status").read_text()


def test_credentials_of_another_call_are_out_of_reach(packages: PackageEngine):
    """Two executions in one process; the second looks wherever the first may have left something."""
    packages.credentials = {"sampleApi": {"token": "the-token-of-the-first"}}
    packages.script("globalThis.mine = this; await this.getCredentials('sampleApi'); return [[]]")
    packages.credentials = {}
    code = """const found = []; const seen = new Set();
      const visit = (value, path) => {
        if (value === 'the-token-of-the-first') found.push(path);
        if (typeof value !== 'object' || value === null || seen.has(value) || path.split('.').length > 6) return;
        seen.add(value);
        for (const name of Reflect.ownKeys(value)) try { visit(value[name], `${path}.${String(name)}`) } catch {}
      };
      visit(this, 'this'); visit(require.cache, 'cache');
      let asked; try { await this.getCredentials('sampleApi') } catch (error) { asked = error.message }
      return [[{ json: { found, asked } }]]"""
    [given] = packages.script(code)
    assert given["found"] == []
    assert "does not exist" in given["asked"]


def test_a_connection_ends_with_its_call(packages: PackageEngine, far: str):
    port = far.rsplit(":", 1)[1]
    code = f"""globalThis.socket = require('net').connect({port}, '127.0.0.1');
      await new Promise((done) => globalThis.socket.on('connect', done)); return [[]]"""
    packages.script(code)
    after = "return [[{ json: { destroyed: globalThis.socket.destroyed } }]]"
    assert packages.script(after) == [{"destroyed": True}]


def test_what_a_package_prints_does_not_disturb_its_frames(packages: PackageEngine):
    code = """console.log('x'.repeat(100)); process.stdout.write('\\0\\0\\0\\x05'); console.error('y');
      return [[{ json: { fine: true } }]]"""
    assert packages.script(code) == [{"fine": True}]
    assert json.loads(json.dumps(packages.run(workflow_of("script", {"code": code})).status)) == "success"


def test_what_a_package_prints_faster_than_it_is_read_is_dropped(packages: PackageEngine):
    code = """const line = 'x'.repeat(2 ** 20);
      for (let n = 0; n < 64; n += 1) process.stdout.write(line);
      const waits = process.stderr.writableLength;
      await new Promise((done) => process.stdout.write(line, done));
      return [[{ json: { waits } }]]"""
    [given] = packages.script(code)
    assert given["waits"] <= 2 * 2**20
