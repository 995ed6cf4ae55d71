"""Quality on the pages: what evaluators hear and score, what agents see of it, and what is drawn by which rule."""
