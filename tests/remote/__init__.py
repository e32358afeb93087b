"""The HTTP server: who gets in, what stays apart, what is refused, and what replicas share."""
