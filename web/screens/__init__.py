"""Screens of waiting rooms: the kiosk that gives tickets, and who is called where. Opened by a link, without a user."""
