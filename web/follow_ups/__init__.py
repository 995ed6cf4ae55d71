"""Follow-ups on screen: made beside a call or by hand, done from a list that is live."""
