"""The telephone network behind one port: `port.py` says what we ask, one folder per vendor answers."""
