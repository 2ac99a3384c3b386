"""Our way from a room to an episode beside the ways people take, and beside the least that can be spent on it."""
