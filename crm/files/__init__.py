"""The taxpayer's file as a thing that is opened: by whom, before whom, after which questions, and for what reason."""
