"""The contact centre in virtual time, from a seed: the product itself, and a model of everybody around it."""
