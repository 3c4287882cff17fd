"""Traces by OpenTelemetry, where its standard variables ask for them: spans of requests, executions and runs of nodes.

Only `tracer`, `request_tracer` and what they import load OpenTelemetry's packages, which need not be installed where
nobody asks for traces. Knows neither engine nor database: it is told what has run.
"""
