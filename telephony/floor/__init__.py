"""The floor: the live state of the contact centre, over which its decisions are written once."""
