"""What is typed into a form is kept on the server from the first pause in typing: `drafts.js` sends it here."""
