"""Thresholds of the live board: raised and cleared without flapping, told on screen, by mail and by web push."""
