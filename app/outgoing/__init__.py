"""How anything leaves the machine: addresses that may be reached, connections, proxies, certificates.

Knows nothing of workflows; the settings, the worker and the engine use it.
"""
