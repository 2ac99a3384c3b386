"""Catalogue rows become what listeners and creators see."""
