"""The audit: who read and who changed what about whom, from where, when and why. Rows are added, never altered."""
