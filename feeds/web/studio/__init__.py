"""The studio: a show's host sees every room become an episode, hears it and takes the files home."""
