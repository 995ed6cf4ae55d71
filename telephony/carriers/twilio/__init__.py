"""Twilio Programmable Voice: facts and pitfalls are in its documentation, quoted where they matter."""
