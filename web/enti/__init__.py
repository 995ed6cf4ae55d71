"""Enti for administrators: identity, hours, topics, ways to pay, offices, logo; and the logo for everybody."""
