"""What citizens send to an ente from its pages, without signing in: drafts, senders, following by a code."""
