"""The edge: HTTP, WebSockets, templates, command line, migrations, and the wiring of the layers below."""
