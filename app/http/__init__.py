"""How bytes become requests and answers bytes again: gunicorn's worker, made patient with slow clients.

Knows nothing of the application that answers.
"""

STREAMING = "executions.streaming"
"""Where the WSGI environment holds an app.http.streaming.Streaming, if this is the server."""
PARKING = "executions.parking"
"""Where the WSGI environment holds an app.http.parking.Parking, if this is the server."""
