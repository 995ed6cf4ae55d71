"""Calendars that an office keeps elsewhere: what stands in them blocks its times here."""
