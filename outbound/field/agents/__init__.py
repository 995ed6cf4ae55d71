"""Field agents: their papers and badge, the enti that approved them, their ties with taxpayers."""
