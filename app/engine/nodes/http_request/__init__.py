"""HTTP Request, all versions: parameters, requests, pagination, failures."""
