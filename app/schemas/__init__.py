"""The shapes of requests and answers, as marshmallow schemas. (What is hot is rendered by app.api.rendering.)

The OpenAPI document is made from the schemas. Nothing here knows HTTP, SQL or the engine.
"""
