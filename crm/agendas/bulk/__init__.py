"""Many appointments moved or cancelled together: proposed, looked at, done one by one, and brought back."""
