"""Traces by OpenTelemetry, where its standard variables ask for them: one span an execution, one a run of a node.

Only `tracer` and what it imports load OpenTelemetry's packages, which need not be installed where nobody asks for
traces. Knows neither engine nor database: it is told what has run.
"""
