"""Performance: the product against ceilings measured in the same run. `make bench`, or `python -m bench p1 p5`."""
