"""A survey's answers as files: CSV, Excel, SPSS, a DDI codebook, and what happened at each step."""
