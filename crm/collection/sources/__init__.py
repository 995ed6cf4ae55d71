"""Where feeds are fetched from: a folder, or a gestionale over HTTP; when; and what to do while it does not answer."""
