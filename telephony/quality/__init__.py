"""Quality: conversations are drawn, heard and scored on a form; the agent sees it and replies. Nothing reads the scores
but the pages that show them: no reward, shift or sanction follows by itself."""
