"""A stand-in for Twilio: a program that speaks its side over HTTP, with callers and agents' devices.

It never imports the product's carrier, and the product never imports it: they meet only on the wire.
"""
