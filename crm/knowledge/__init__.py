"""What agents are given to say and write: articles, scripts and note templates, in versions."""
