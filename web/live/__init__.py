"""Live pages: topics through Redis (or PostgreSQL when it is gone), rendered once per audience, pushed to sockets."""
