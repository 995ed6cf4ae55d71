"""Campaigns, compliance, dialer, surveys and field visits."""
