"""A local Exact Online to try, demo and test against."""

from exactonline_sandbox.config import App, FaultRule, SandboxConfig, Switches, User, set_switch
from exactonline_sandbox.web.server import Sandbox, Server

__all__ = [
    "App",
    "FaultRule",
    "Sandbox",
    "SandboxConfig",
    "Server",
    "Switches",
    "User",
    "set_switch",
]
