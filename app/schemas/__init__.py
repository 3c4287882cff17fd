"""The shapes of requests and answers: marshmallow schemas, and the plain functions that render answers.

The OpenAPI document is made from the schemas. Nothing here knows HTTP, SQL or the engine.
"""
