"""The gates between the tiers: rules as data, the split of good rows from bad, and the verdict on both."""
