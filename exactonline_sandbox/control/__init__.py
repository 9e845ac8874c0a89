"""The control API, which steers a running sandbox."""
