"""The outbox to the carrier, and the timers. Rows written with their cause; carried out after the commit."""
