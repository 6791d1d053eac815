"""L2: one conformed table a feed, and derivatives, each built for one question."""
