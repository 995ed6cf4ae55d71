"""The taxpayer's file on the screen: in the console beside a call, and on a page of its own."""
