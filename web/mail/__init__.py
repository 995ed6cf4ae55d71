"""The mailboxes on the screen: the inbox in three panes, what is done there, and how mailboxes are set up."""
