"""Letters of campaigns: their batches, the files for a printing house, and what comes back."""
