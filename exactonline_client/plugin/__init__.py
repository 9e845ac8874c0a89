"""What both Singer plugins share; the only room that imports the Singer SDK."""
