"""The contact's card and the mandates: what people told, written down while they tell it."""
