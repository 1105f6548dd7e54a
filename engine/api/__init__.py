"""The HTTP API: the engine's verbs for other programs, behind tokens.

``deferred.py`` is all a server needs to import to offer it; the rest waits for the first request.
"""
