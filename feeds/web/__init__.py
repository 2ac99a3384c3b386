"""What people reach by HTTP: public files, the studio, and whether we are well. Begin in app.py."""
