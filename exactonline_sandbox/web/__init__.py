"""The web server: routes, TLS and the consent page."""
