"""What citizens say of the pages on which they booked, as the Modello Comuni asks; in nobody's name."""
