"""The server, through its door: HTTP, and the folders it leaves behind."""
