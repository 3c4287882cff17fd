"""The HTTP server: gunicorn's worker, extended so that slow clients and waiting callers hold no thread.

Knows nothing of the application that answers.
"""

STREAMING = "executions.streaming"
"""Where the WSGI environment holds an app.http.streaming.Streaming, if this is the server."""
PARKING = "executions.parking"
"""Where the WSGI environment holds an app.http.parking.Parking, if this is the server."""
