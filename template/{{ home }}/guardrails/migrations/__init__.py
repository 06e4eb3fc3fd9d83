"""The gate `migrations`: the revisions make what the models say, and harm nobody on the way."""
