"""Who may act as a citizen or watch the calls: the loopback, or the holder of the configured token."""

import hmac
import ipaddress

from telephony.carriers.simulator.config import SimulatorConfig


def citizen_allowed(config: SimulatorConfig, peer: str, token: str | None) -> bool:
    """With a token configured it is always needed; without one only the loopback may."""
    if config.citizen_token is not None:
        return token is not None and hmac.compare_digest(token.encode(), config.citizen_token.encode())
    try:
        return ipaddress.ip_address(peer).is_loopback
    except ValueError:
        return False
