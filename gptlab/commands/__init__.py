"""What the command line does, a file a subject. May import everything but the screen."""
