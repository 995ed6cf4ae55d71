"""Campaigns, compliance, dialer, surveys and field visits. Its first feature arrives with the outbound work."""
