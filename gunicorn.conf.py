"""gunicorn's settings, found by itself in the project's folder; the program's environment decides.

Each process keeps its Prometheus figures in a file of $EXECUTIONS_HOME/metrics, so that any of them can answer
/metrics for all.
"""

import gc
import os
import resource
import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # gunicorn sets its own once all is loaded
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from app import allocator, logs, metric_files
from app.credentials.keys import Keyring
from app.environment import SettingsError
from app.http.ports import find_obstacle
from app.http.streaming import StreamingWorker
from app.settings import Settings, host_and_port
from app.telemetry.wanted import try_traces

try:
    _settings = Settings.from_environment(os.environ)
    try_traces(os.environ)
except SettingsError as error:
    raise SystemExit(f"Error: {error}") from None
try:
    Keyring(_settings).accepted_keys()
except OSError as error:
    _what = f"{error.filename or _settings.home}: {error.strerror}"
    raise SystemExit(f"Error: {_what}. Let this user read and write EXECUTIONS_HOME; its disk needs room") from None
_metrics = _settings.home / "metrics"

bind = host_and_port(_settings.host, _settings.port)
worker_class = StreamingWorker
sendfile = False  # the worker keeps what a client does not take at once
StreamingWorker.largest_body = _settings.max_body_bytes
StreamingWorker.reserved_path = "/healthz"
workers = _settings.http_workers
threads = _settings.http_threads
# A call may wait 60 seconds for its execution (`wait`), and a big answer takes a while to send.
timeout = 120
graceful_timeout = 10
keepalive = 75
# Each connection is an open file, and so is each large body that is on its way.
_limits = resource.getrlimit(resource.RLIMIT_NOFILE)
_files, _most = (2**20 if limit == resource.RLIM_INFINITY else limit for limit in _limits)
if _files < min(_most, 10_240):
    _files = min(_most, 10_240)
    resource.setrlimit(resource.RLIMIT_NOFILE, (_files, _limits[1]))
worker_connections = max(threads + 64, min(4_000, _files // 3))
StreamingWorker.most_parked = worker_connections // 2  # the others are for who does not wait
StreamingWorker.most_streams = worker_connections // 4
# Nobody's headers are taken for the server's word: neither SCRIPT_NAME, which would move all paths (the console keeps
# addresses that it has made once), nor the scheme. That holds for callers on this machine, too.
forwarded_allow_ips = ""
forwarder_headers = ""
header_map = "drop"
logconfig_dict = logs.GUNICORN
# The longest that gunicorn can; a cursor carries a list's filters along.
limit_request_line = 8190
control_socket_disable = True
proc_name = "executions-api"


def on_starting(server):
    """Forget the figures of processes that are gone, and load the program once, for all processes to come.

    Nothing is begun by that, no thread and no connection: each process makes an application of its own (wsgi.py).
    """
    # Those variables name sockets that listen already, and some want to share a port.
    if not ({"LISTEN_FDS", "GUNICORN_FD"} & os.environ.keys() or server.cfg.reuse_port):
        for address in server.cfg.address:
            if isinstance(address, tuple) and (obstacle := find_obstacle(*address)) is not None:
                raise SystemExit(f"Error: {obstacle}")
    metric_files.clear(_metrics)
    allocator.return_large_blocks()
    gc.disable()
    from app import web  # noqa: F401 - loads the application
    from app.engine import nodes

    nodes.load()
    gc.freeze()  # to look at it would copy it into each process
    gc.enable()


def post_fork(server, worker):
    """Let the program's log lines look the same whoever writes them, and errors too."""
    from app.http import malformed

    logs.configure()
    malformed.install()
    metric_files.reserve(_metrics, os.getpid())


def child_exit(server, worker):
    """Drop what only made sense while that process lived, such as gauges."""
    if metric_files.VARIABLE in os.environ:
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)
