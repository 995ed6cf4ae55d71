"""What somebody has typed into a form and not sent: kept until he sends it or gives it up, for a week at most."""
