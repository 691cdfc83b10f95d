"""Every preset trained over REST on data that fits it, with a table and pictures of what came of it."""
