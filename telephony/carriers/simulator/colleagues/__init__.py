"""Simulated colleagues: agents who answer through the product's own pages, as people with a browser do.

They know its addresses and read its pages; they import none of its code, and it cannot tell them from anybody.
"""
