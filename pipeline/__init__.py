"""The pure core: a recording goes in, an episode comes out. No queue, no web, no database. Begin reading at `story.py`."""
