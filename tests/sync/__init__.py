"""`local sync` end to end: PostHog's side is the embedded project behind its REST API."""
