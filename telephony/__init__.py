"""Calls, queues, agents' presence and the carriers that connect them. Knows nothing of HTTP or campaigns."""
