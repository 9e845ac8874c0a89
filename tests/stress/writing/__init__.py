"""Loads of the target, compared with what the sandbox then holds."""
