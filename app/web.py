"""The web application: wires settings, pool, rules, blueprints and errors together, and nothing else."""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Flask

from app.api import (
    audits,
    credentials,
    discovery,
    editor,
    insights,
    mcp,
    members,
    node_parameters,
    oauth,
    overview,
    packages,
    problems,
    projects,
    tags,
    users,
    variables,
    views,
)
from app.api.data_tables import columns as data_table_columns
from app.api.data_tables import rows as data_table_rows
from app.api.data_tables import tables as data_tables
from app.api.executions import bulk as execution_bulk
from app.api.executions import evaluations as execution_evaluations
from app.api.executions import events as execution_events
from app.api.executions import executions, jobs, run_data
from app.api.executions import progress as execution_progress
from app.api.executions import stats as execution_stats
from app.api.face import (
    auth,
    bodies,
    codings,
    cors,
    errors,
    ignored_names,
    openapi,
    operations,
    reads,
    requests,
    sessions,
)
from app.api.face.body_budget import BodyBudget
from app.api.face.count_cache import CountCache
from app.api.face.form_bodies import ShortFormRequest
from app.api.face.key_cache import ApiKeyCache
from app.api.face.long_calls import LongCalls
from app.api.face.metrics import RequestMetrics
from app.api.face.rates import KeyRates
from app.api.face.replica import open_replica
from app.api.face.routes import Route
from app.api.face.services import NAME, Services
from app.api.face.traces import open_tracer
from app.api.face.waiters import Waiters
from app.api.face.watchers import Watchers
from app.api.forms import forms, questions, waiting_forms
from app.api.webhooks import webhooks
from app.api.worker_questions import WorkerChoices, WorkerQuestions, WorkerTests
from app.api.workflows import archives, publication, versions, workflows
from app.api.workflows import runs as workflow_runs
from app.console import (
    bulk,
    comparison,
    engine_room,
    execution,
    execution_list,
    files,
    histogram,
    node_panel,
    parameters,
    root,
    signing,
)
from app.console import pages as console
from app.console import problems as console_problems
from app.console import workflows as console_workflows
from app.credential_tests import EngineCredentialTests
from app.credentials.consents import Consents
from app.credentials.key_check import report_soon
from app.credentials.known_types import KnownTypes
from app.credentials.vault import Vault
from app.doctor import examine
from app.evaluations import EngineEvaluations
from app.own_types import own_types
from app.packages.choices import check_question
from app.packages.definitions import SandboxExpressions
from app.packages.known_packages import KnownPackages
from app.repository.connection import open_pool
from app.settings import Settings
from app.signatures import Signer
from app.workflow_rules import EngineRules

MODULES = (
    executions,
    execution_bulk,
    jobs,
    execution_stats,
    execution_events,
    execution_progress,
    run_data,
    execution_evaluations,
    problems,
    workflows,
    workflow_runs,
    publication,
    versions,
    archives,
    tags,
    projects,
    members,
    credentials,
    oauth,
    variables,
    views,
    users,
    audits,
    discovery,
    insights,
    packages,
    node_parameters,
    overview,
    data_tables,
    data_table_columns,
    data_table_rows,
)

CONSOLE_MODULES = (
    execution_list,
    histogram,
    bulk,
    execution,
    node_panel,
    files,
    parameters,
    comparison,
    engine_room,
    console_problems,
    console_workflows,
    signing,
)
"""Their pages are on the console's one blueprint."""


class Application(Flask):
    """Flask without coroutines: no view and no hook is one, and none is asked at each request whether it is."""

    request_class = ShortFormRequest

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function as it is."""
        return func


def create_app(settings: Settings | None = None) -> Flask:
    """An application with a connection pool and caches of its own.

    Raises SettingsError when the environment, read for None, holds no settings that can be used.
    """
    settings = settings or Settings.from_environment(os.environ)
    app = Application(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.extensions[NAME] = services = open_services(settings)
    app.extensions[overview.EXAMINATION] = partial(examine, settings)
    add_endpoints(app)
    report_soon(services.pool, services.vault)
    return app


def open_services(settings: Settings) -> Services:
    """The pool, the caches and all else that the views of one application share."""
    pool = open_pool(settings.database_url, size=settings.pool_size, name="api", through_pooler=settings.through_pooler)
    vault = Vault(settings)
    signer = Signer(vault.keyring)
    types = own_types(settings)
    known = KnownPackages(pool, types)
    metrics = RequestMetrics()
    credential_types = KnownTypes(known.definitions, SandboxExpressions())
    worker_questions = WorkerQuestions(pool, settings.lease_seconds)
    return Services(
        settings=settings,
        pool=pool,
        rules=EngineRules(types, settings.timezone, known.ask, known.catch_up),
        evaluations=EngineEvaluations(types, settings.timezone, known.ask),
        api_keys=ApiKeyCache(pool, standing=settings.api_key),
        metrics=metrics,
        rates=KeyRates(settings.requests_per_minute),
        counts=CountCache(),
        waiters=Waiters(settings.direct_url),
        watchers=Watchers(pool),
        bodies=BodyBudget(max(settings.bodies_bytes, settings.max_body_bytes)),
        long_calls=LongCalls(),
        signer=signer,
        vault=vault,
        credential_types=credential_types,
        credential_tests=EngineCredentialTests(
            settings.allowed_hosts,
            credential_types,
            known.credential,
            WorkerTests(worker_questions).problem,
            known.is_tested_by_node,
            known.catch_up,
        ),
        node_choices=WorkerChoices(worker_questions, partial(check_question, known.node)),
        consents=Consents(vault, signer, settings.allowed_hosts, settings.webhook_url, credential_types),
        packages=known,
        replica=open_replica(settings, pool),
        tracer=open_tracer(settings, metrics),
    )


def add_endpoints(app: Flask) -> None:
    """Everything that can be asked, and the document about it; needs no database yet."""
    app.config.update(PROVIDE_AUTOMATIC_OPTIONS=False)
    app.url_rule_class = Route
    app.url_map.merge_slashes = False
    app.url_map.strict_slashes = False
    requests.register(app)
    codings.register(app)
    ignored_names.register(app)
    cors.register(app)
    sessions.register(app)
    app.before_request(auth.authorize)
    bodies.register(app)
    reads.register(app)
    errors.register(app)
    for module in MODULES:
        app.register_blueprint(module.blueprint)
    app.register_blueprint(operations.blueprint)
    app.register_blueprint(webhooks.blueprint)
    app.register_blueprint(forms.blueprint)
    app.register_blueprint(waiting_forms.blueprint)
    app.register_blueprint(questions.blueprint)
    app.register_blueprint(mcp.blueprint)
    app.register_blueprint(editor.blueprint)
    app.register_blueprint(console.blueprint)
    app.register_blueprint(root.blueprint)
    app.register_blueprint(oauth.callbacks)
    openapi.register(app, (module.blueprint for module in MODULES))
